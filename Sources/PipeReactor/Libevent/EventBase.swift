// SPDX-License-Identifier: Apache-2.0
internal import CLibevent
internal import Glibc

/// The owner of libevent's `event_base`: the epoll descriptor and the timer heap.
///
/// It is used by one thread only, so libevent's locks stay off (`EVENT_BASE_FLAG_NOLOCK`). Sources retain their base,
/// so the base is freed last.
@safe
final class EventBase {
    let pointer: OpaquePointer

    /// The meter of callbacks, on a reactor that measures them.
    let meter: CallbackMeter?

    /// Set by every callback: a dispatch that does not wait reports in no other way whether it found an event.
    var hasFired = false

    /// libevent also prints the errors that it returns to us on standard error. That stream is the embedder's.
    private static let silence: Void = unsafe event_set_log_callback { _, _ in }

    init(meter: CallbackMeter?) throws(SystemError) {
        self.meter = meter
        _ = Self.silence
        guard let config = unsafe event_config_new() else {
            throw SystemError(call: "event_config_new", code: ENOMEM)
        }
        defer { unsafe event_config_free(config) }
        // Without the cached time, a timer armed late in a long callback would count from the callback's beginning.
        let flags = EVENT_BASE_FLAG_NOLOCK.rawValue | EVENT_BASE_FLAG_NO_CACHE_TIME.rawValue
        let features = EV_FEATURE_ET.rawValue | EV_FEATURE_O1.rawValue | EV_FEATURE_EARLY_CLOSE.rawValue
        // EVENT_BASE_FLAG_IGNORE_ENV: EVENT_NOEPOLL in a user's environment must not change how we work.
        let all = flags | EVENT_BASE_FLAG_IGNORE_ENV.rawValue
        guard unsafe event_config_set_flag(config, Int32(all)) == 0,
            unsafe event_config_require_features(config, Int32(features)) == 0,
            let base = unsafe event_base_new_with_config(config)
        else { throw SystemError(call: "event_base_new_with_config", code: errno) }
        unsafe pointer = base
    }

    /// Waits for events, or only polls, and runs the callbacks of all ready events, each once.
    func dispatch(blocking: Bool) {
        // EVLOOP_NONBLOCK alone continues as long as anything is ready: a descriptor that always is would never let us
        // return to posted work and the ends of turns.
        let result = unsafe event_base_loop(pointer, blocking ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK)
        precondition(result >= 0, "event_base_loop failed with errno \(errno)")
    }

    deinit { unsafe event_base_free(pointer) }
}
