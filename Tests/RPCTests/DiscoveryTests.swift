// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import Testing

@Suite struct `Discovery of methods` {
    @Test func `lists their names in an OpenRPC document, whenever they were registered`() async throws {
        var conversation = Conversation()
        conversation.methods.handle("second") { _ in 2 }
        conversation.methods.offerDiscovery(title: "counting", version: "7")
        conversation.methods.handle("first") { _ in 1 }
        conversation.methods.handleOthers { _, _ in .null }
        let document = try await conversation.run { peer in
            try await peer.requestJSON(JSONRPCMethods.discoveryMethod, nil)
        }
        let methods = #"[{"name":"first","params":[]},{"name":"second","params":[]}]"#
        let info = #"{"title":"counting","version":"7"}"#
        #expect("\(document)" == #"{"info":\#(info),"methods":\#(methods),"openrpc":"1.3.2"}"#)
    }
}
