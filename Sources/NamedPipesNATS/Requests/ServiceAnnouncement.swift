// SPDX-License-Identifier: Apache-2.0
#if NATS
/// What a service tells of itself, as NATS's service protocol defines it (ADR-32): the answers to `$SRV.PING`,
/// `$SRV.INFO` and `$SRV.STATS`.
struct ServiceAnnouncement: Encodable {
    enum Verb: String {
        case ping = "PING"
        case info = "INFO"
        case statistics = "STATS"

        var type: String {
            switch self {
            case .ping: "io.nats.micro.v1.ping_response"
            case .info: "io.nats.micro.v1.info_response"
            case .statistics: "io.nats.micro.v1.stats_response"
            }
        }
    }

    let type: String
    let name: String
    let id: String
    let version: String
    let metadata: [String: String]
    var description: String?
    var started: String?
    var endpoints: [Endpoint]?

    struct Endpoint: Encodable {
        let name: String
        let subject: String
        let queueGroup: String
        var metadata: [String: String]?
        var counts: EndpointCounts?

        enum CodingKeys: String, CodingKey {
            case name, subject, metadata
            case queueGroup = "queue_group"
            case requests = "num_requests"
            case errors = "num_errors"
            case lastError = "last_error"
            case time = "processing_time"
            case averageTime = "average_processing_time"
        }

        func encode(to encoder: any Encoder) throws {
            var object = encoder.container(keyedBy: CodingKeys.self)
            try object.encode(name, forKey: .name)
            try object.encode(subject, forKey: .subject)
            try object.encode(queueGroup, forKey: .queueGroup)
            try object.encodeIfPresent(metadata, forKey: .metadata)
            guard let counts else { return }
            try object.encode(counts.requestCount, forKey: .requests)
            try object.encode(counts.errorCount, forKey: .errors)
            try object.encode(counts.lastError, forKey: .lastError)
            try object.encode(counts.nanoseconds, forKey: .time)
            try object.encode(counts.nanoseconds / Int64(max(counts.requestCount, 1)), forKey: .averageTime)
        }
    }
}

/// What a service counts of a method.
struct EndpointCounts: Equatable {
    private(set) var requestCount = 0
    private(set) var errorCount = 0
    private(set) var lastError = ""
    private(set) var nanoseconds: Int64 = 0

    /// - Parameter error: nil if it succeeded.
    mutating func count(_ time: Duration, error: String?) {
        requestCount += 1
        nanoseconds += Int64(time / .nanoseconds(1))
        guard let error else { return }
        errorCount += 1
        lastError = error
    }
}
#endif
