#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Node's net.connect with framing of its own, against an echo server:
// node_client.mjs ADDRESS [--timeout SECONDS], or --digest.
import { once } from 'node:events'
import net from 'node:net'

const blockSize = 65_521
const largest = 16_777_215

// The corpus; README.md defines it.

const block = Buffer.alloc(blockSize)
for (let index = 0, state = 0x4e503437; index < blockSize; index++) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  block[index] = state >>> 24
}
const repeated = Buffer.alloc(blockSize + largest, block)

function pattern(offset, length) {
  const start = offset % blockSize
  return repeated.subarray(start, start + length)
}

const texts = [
  'Zażółć gęślą jaźń',
  'Привет, мир. Γειά σου, κόσμε.',
  'שלום עולם, مرحبا بالعالم',
  'नमस्ते दुनिया, สวัสดีชาวโลก',
  '你好，世界。こんにちは、世界。안녕하세요',
  '\u{1F469}\u{200D}\u{1F469}\u{200D}\u{1F467} \u{1F3F3}\u{FE0F}\u{200D}\u{1F308} \u{1F1F5}\u{1F1F1}',
  'e\u0301 n\u0303 \u1E9B\u0323 Z\u0351\u036B\u0343',
  'two\nlines\r\n, a tab\t, a NUL\0, a bell\x07',
]

const singles = [
  ...[0, 1, 65_535, 65_536, 65_537, 1_048_576, largest].map((length) => pattern(0, length)),
  ...texts.map((text) => Buffer.from(text)),
  ...[Buffer.alloc(4), Buffer.alloc(12, 0xff), Buffer.from([...Array(256).keys()])],
  ...[4, 1_000, 9_999, 250_007].map((length) => pattern(1_009 * length, length)),
]

const pipelined = Array.from({ length: 10_000 }, (_, index) => pattern(31 * index, (97 * index) % 301))

// The tally. node:zlib has no crc32 before 20.15.

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

function crc32(bytes, before) {
  let value = ~before
  for (const byte of bytes) value = crcTable[(value ^ byte) & 0xff] ^ (value >>> 8)
  return ~value >>> 0
}

const tally = {
  messages: 0,
  bytes: 0,
  digest: 0,
  add(body) {
    this.messages += 1
    this.bytes += body.length
    this.digest = crc32(body, crc32(header(body), this.digest))
  },
  check(sent, reply) {
    if (!sent.equals(reply)) {
      throw new Error(`reply ${this.messages}: ${reply.length} bytes came back for ${sent.length}, and they differ`)
    }
    this.add(reply)
  },
}

// The wire.

function header(body) {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(body.length)
  return bytes
}

async function send(socket, body) {
  socket.cork()
  socket.write(header(body))
  const hasRoom = socket.write(body)
  socket.uncork()
  if (!hasRoom) await once(socket, 'drain')
}

// Chunks are joined once per message that needs more of them; the loop below pauses the socket while it is not asked.
async function* messages(socket) {
  let chunks = []
  let available = 0
  let needed = 4
  for await (const chunk of socket) {
    chunks.push(chunk)
    available += chunk.length
    if (available < needed) continue
    let rest = Buffer.concat(chunks)
    while (rest.length >= 4) {
      needed = 4 + rest.readUInt32BE()
      if (needed > 4 + largest) throw new Error(`reply ${tally.messages}: a header claims ${needed - 4} bytes`)
      if (rest.length < needed) break
      yield rest.subarray(4, needed)
      rest = rest.subarray(needed)
      needed = 4
    }
    chunks = [rest]
    available = rest.length
  }
  if (available > 0) throw new Error(`the server closed in the middle of reply ${tally.messages}`)
}

async function exchange(address) {
  // Seen in Node 20.20 (libuv 1.46): it connects to the name and as many NULs as fill sun_path, which is another name.
  if (address.startsWith('@')) throw new Error('Node cannot reach an abstract name shorter than sun_path')
  const socket = net.connect(address)
  await once(socket, 'connect')
  const replies = messages(socket)
  const check = async (body) => {
    const { done, value } = await replies.next()
    if (done) throw new Error(`the server closed after ${tally.messages} replies`)
    tally.check(body, value)
  }
  for (const body of singles) await Promise.all([send(socket, body), check(body)])
  const sendAll = async () => { for (const body of pipelined) await send(socket, body) }
  const checkAll = async () => { for (const body of pipelined) await check(body) }
  await Promise.all([sendAll(), checkAll()])
  socket.end()
  if (!(await replies.next()).done) throw new Error('a message came back that nobody sent')
}

function fail(reason) {
  process.stderr.write(`node_client.mjs: ${reason}\n`)
  process.exit(1)
}

const [address, ...options] = process.argv.slice(2)
if (address === undefined) fail('usage: ADDRESS [--timeout SECONDS] | --digest')
const seconds = options[0] === '--timeout' ? Number(options[1]) : 30
const deadline = setTimeout(() => fail(`not finished after ${seconds} s`), seconds * 1000)
try {
  if (address === '--digest') for (const body of [...singles, ...pipelined]) tally.add(body)
  else await exchange(address)
} catch (error) {
  fail(error.message)
}
clearTimeout(deadline)
console.log(`ok ${tally.messages} messages ${tally.bytes} bytes ${tally.digest.toString(16).padStart(8, '0')}`)
