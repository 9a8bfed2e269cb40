// SPDX-License-Identifier: Apache-2.0
import NamedPipes

/// The resources of one test: a reactor, which at the end ends what lives on it, and a name without a file.
final class Stage {
    let reactor: Reactor
    let name = freshName()

    init() throws { reactor = try Reactor() }

    deinit {
        reactor.stop()
        reactor.run()
    }
}

/// A suite whose tests have a stage each.
protocol StagedSuite {
    var stage: Stage { get }
}

extension StagedSuite {
    var reactor: Reactor { stage.reactor }
    var name: String { stage.name }
}
