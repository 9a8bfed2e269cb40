// SPDX-License-Identifier: Apache-2.0

// Node's net module: each chunk that arrives is decoded, and its replies are written together.
//
// Usage: node node-echo.js SOCKET

'use strict';
const fs = require('node:fs');
const net = require('node:net');

const MAXIMUM_MESSAGE = 16 << 20;

// The handler: answers a message with the same message.
function handle(message, replies) {
    const header = Buffer.allocUnsafe(4);
    header.writeUInt32BE(message.length);
    replies.push(header, message);
}

// Passes on the whole frames; returns how many bytes they were and the length of the next frame, as far as it is known.
function walk(bytes, replies) {
    let offset = 0;
    while (bytes.length - offset >= 4) {
        const length = bytes.readUInt32BE(offset);
        if (length > MAXIMUM_MESSAGE) throw new RangeError('a message that is too long');
        const end = offset + 4 + length;
        if (end > bytes.length) return { offset, needed: 4 + length };
        handle(bytes.subarray(offset + 4, end), replies);
        offset = end;
    }
    return { offset, needed: 4 };
}

function serve(client) {
    // The chunks of an unfinished frame are joined once, when it is complete.
    let chunks = [];
    let count = 0;
    let needed = 4;
    client.on('data', (chunk) => {
        chunks.push(chunk);
        count += chunk.length;
        if (count < needed) return;
        const bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks, count);
        const replies = [];
        let walked;
        try {
            walked = walk(bytes, replies);
        } catch (error) {
            return client.destroy(error);
        }
        needed = walked.needed;
        count = bytes.length - walked.offset;
        chunks = count ? [bytes.subarray(walked.offset)] : [];
        if (replies.length && !client.write(Buffer.concat(replies))) client.pause();
    });
    client.on('drain', () => client.resume());
    client.on('error', () => client.destroy());
}

if (process.argv.length !== 3) {
    console.error('usage: node-echo.js SOCKET');
    process.exit(2);
}
fs.rmSync(process.argv[2], { force: true });
net.createServer(serve).listen({ path: process.argv[2], backlog: 4096 });
