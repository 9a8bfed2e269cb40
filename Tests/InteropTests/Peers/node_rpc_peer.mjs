#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// JSON-RPC by hand on Node's standard library, behind Content-Length as LSP has it:
// node_rpc_peer.mjs client|server ADDRESS [--timeout SECONDS].
import { deepStrictEqual } from 'node:assert'
import { once } from 'node:events'
import net from 'node:net'

const requestCount = 200
const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

class RPCError extends Error {
  constructor(code, message, data) {
    super(message)
    this.code = code
    this.data = data
  }
}

// One end of a conversation, which asks and answers.
class Peer {
  lastID = 0
  #socket
  #methods
  #pending = new Map()
  #running = new Map()

  constructor(socket, methods) {
    this.#socket = socket
    this.#methods = methods
    this.ended = this.#receive()
  }

  // The id is at `id` of the promise, to cancel it by.
  ask(method, params, more = {}) {
    const id = `node ${++this.lastID}`
    const reply = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }))
    this.#send({ jsonrpc: '2.0', id, method, params, ...more })
    return Object.assign(reply, { id })
  }

  notify(method, params) { this.#send({ jsonrpc: '2.0', method, params }) }

  close() { this.#socket.end() }

  // With the second header that vscode-jsonrpc may send, in pieces that end within the header and within a character.
  #send(message) {
    const body = Buffer.from(JSON.stringify(message))
    const header = `Content-Length: ${body.length}\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n`
    const frame = Buffer.concat([Buffer.from(header), body])
    for (let start = 0; start < frame.length; start += 67) this.#socket.write(frame.subarray(start, start + 67))
  }

  async #receive() {
    let bytes = Buffer.alloc(0)
    for await (const chunk of this.#socket) {
      bytes = Buffer.concat([bytes, chunk])
      for (;;) {
        const end = bytes.indexOf('\r\n\r\n')
        if (end < 0) break
        const length = Number(/^content-length: *(\d+)$/im.exec(bytes.toString('latin1', 0, end))[1])
        if (bytes.length < end + 4 + length) break
        this.#take(JSON.parse(bytes.toString('utf8', end + 4, end + 4 + length)))
        bytes = bytes.subarray(end + 4 + length)
      }
    }
    deepStrictEqual(bytes.length, 0)
    for (const { reject } of this.#pending.values()) reject(new Error('the other end is gone'))
  }

  #take(message) {
    deepStrictEqual(message.jsonrpc, '2.0')
    if (message.method === '$/cancelRequest') this.#running.get(message.params.id)?.abort()
    else if (message.method !== undefined) this.#answer(message)
    else {
      const { resolve, reject } = this.#pending.get(message.id)
      this.#pending.delete(message.id)
      if (message.error) reject(new RPCError(message.error.code, message.error.message, message.error.data))
      else resolve(message.result)
    }
  }

  async #answer(call) {
    const controller = new AbortController()
    if (call.id !== undefined) this.#running.set(call.id, controller)
    let reply
    try {
      if (!Object.hasOwn(this.#methods, call.method)) throw new RPCError(-32601, 'Method not found')
      reply = { result: (await this.#methods[call.method](call.params, this, call, controller.signal)) ?? null }
    } catch (error) {
      reply = { error: { code: error.code ?? -32603, message: error.message, data: error.data } }
    }
    if (call.id === undefined) return
    this.#running.delete(call.id)
    this.#send({ jsonrpc: '2.0', id: call.id, ...reply })
  }
}

async function errorOf(reply) {
  try {
    await reply
  } catch (error) {
    return error.code
  }
  throw new Error('a request had a result that should have failed')
}

const numbers = [...Array(requestCount).keys()]

// Asks everything that the tests' server can do, and is asked back.
async function client(address) {
  const socket = net.connect(address)
  await once(socket, 'connect')
  const peer = new Peer(socket, { double: ([number]) => number * 2 })
  const sums = await Promise.all(numbers.map((number) => peer.ask('add', { left: number, right: 1 })))
  deepStrictEqual(sums, numbers.map((number) => number + 1))
  deepStrictEqual(await peer.ask('ping'), 'pong')
  deepStrictEqual(await peer.ask('ask back', [21]), 43)
  deepStrictEqual(await peer.ask('metadata', undefined, { traceparent: trace, extra: 1 }), { traceparent: trace })
  deepStrictEqual(await errorOf(peer.ask('foobar')), -32601)
  deepStrictEqual(await errorOf(peer.ask('add', { left: '1' })), -32602)
  deepStrictEqual(await errorOf(peer.ask('fail')), -32603)
  deepStrictEqual(await errorOf(peer.ask('divide', { left: 1, right: 0 })), 7)
  const waiting = peer.ask('wait')
  peer.notify('$/cancelRequest', { id: waiting.id })
  deepStrictEqual(await errorOf(waiting), -32800)
  peer.notify('note', ['é😀\u2028'])
  deepStrictEqual(await peer.ask('notes'), ['é😀\u2028'])
  peer.close()
  await peer.ended
  return peer.lastID
}

// Answers one client until it goes.
async function server(address) {
  let release
  const released = new Promise((resolve) => { release = resolve })
  const ran = []
  const methods = {
    add: ({ left, right }) => left + right,
    divide({ left }) { throw new RPCError(7, 'division by zero', [left]) },
    'ask back': async (params, peer) => (await peer.ask('double', params)) + 1,
    metadata: (params, peer, { traceparent }) => ({ traceparent }),
    async block([name], peer, call, signal) {
      const cancelled = new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new RPCError(-32800, 'Request cancelled')))
      })
      await Promise.race([released, cancelled])
      ran.push(name)
      return name
    },
    release: () => release(),
    ran: () => ran,
  }
  const listener = net.createServer({ allowHalfOpen: false })
  listener.listen(address)
  await once(listener, 'listening')
  console.log('listening')
  const [socket] = await once(listener, 'connection')
  listener.close()
  const peer = new Peer(socket, methods)
  await peer.ended
  return peer.lastID
}

function fail(reason) {
  process.stderr.write(`node_rpc_peer.mjs: ${reason}\n`)
  process.exit(1)
}

const [role, address, ...options] = process.argv.slice(2)
const roles = { client, server }
if (!Object.hasOwn(roles, role) || address === undefined) fail('usage: client|server ADDRESS [--timeout SECONDS]')
const seconds = options[0] === '--timeout' ? Number(options[1]) : 30
const deadline = setTimeout(() => fail(`not finished after ${seconds} s`), seconds * 1000)
try {
  console.log(`ok ${await roles[role](address)} requests`)
} catch (error) {
  fail(error.stack)
}
clearTimeout(deadline)
