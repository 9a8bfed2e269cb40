#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An editor made of pygls: starts a language server, speaks to it over its standard streams, and prints what it says.

    pygls_client.py SERVER [ARGUMENT...]
"""

import asyncio
import sys

import from_index  # noqa: F401
from lsprotocol import types
from pygls.lsp.client import LanguageClient

URI = "file:///etc/daemon.conf"
TEXT = "[server]\nport = 80\nnonsense\n"


async def edit(command: list[str]) -> int:
    editor = LanguageClient("editor", "1")
    published = asyncio.get_running_loop().create_future()

    @editor.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def publish(params: types.PublishDiagnosticsParams):
        published.set_result(params)

    await editor.start_io(*command)
    await editor.initialize_async(
        types.InitializeParams(process_id=None, root_uri=None, capabilities=types.ClientCapabilities()))
    editor.initialized(types.InitializedParams())
    editor.text_document_did_open(types.DidOpenTextDocumentParams(
        types.TextDocumentItem(uri=URI, language_id="ini", version=1, text=TEXT)))
    for diagnostic in (await asyncio.wait_for(published, 60)).diagnostics:
        print(f"line {diagnostic.range.start.line}: {diagnostic.message}")
    hover = await editor.text_document_hover_async(types.HoverParams(
        types.TextDocumentIdentifier(URI), types.Position(1, 2)))
    print(hover.contents.value)
    await editor.shutdown_async(None)
    editor.exit(None)
    process = editor._server
    status = await asyncio.wait_for(process.wait(), 60)
    print(f"status {status}")
    return status


if __name__ == "__main__":
    sys.exit(asyncio.run(edit(sys.argv[1:])))
