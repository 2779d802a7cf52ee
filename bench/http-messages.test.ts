// Shows that the bench's HTTP reader gives the same messages however the bytes were cut on the way.
import { expect, test } from 'vitest'
import { MessageReader, statusOf } from './http-messages.ts'

const STREAM = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\nA;ext=1\r\npedia in \n\r\n0\r\nTrailer: x\r\n\r\n',
  'HTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 429 Too Many\r\ncontent-length: 0\r\n\r\n',
].join('')

function readIn(pieces: readonly string[]) {
  const messages: { status: number; body: string }[] = []
  const faults: string[] = []
  let body = ''
  let status = 0
  const reader = new MessageReader({
    onHead: (head) => {
      status = statusOf(head)
      body = ''
    },
    onBody: (bytes, start, end) => {
      body += bytes.toString('latin1', start, end)
    },
    onEnd: () => {
      messages.push({ status, body })
    },
    onFault: (reason) => {
      faults.push(reason)
    },
  })
  const shared = Buffer.alloc(4096)
  for (const piece of pieces) reader.feed(shared, shared.write(piece, 'latin1'))
  return { messages, faults }
}

const EXPECTED = [
  { status: 200, body: 'hello' },
  { status: 200, body: 'wikipedia in \n' },
  { status: 204, body: '' },
  { status: 429, body: '' },
]

test('messages are the same wherever the bytes are cut, even into single ones', () => {
  for (let cut = 0; cut <= STREAM.length; cut++) {
    expect(readIn([STREAM.slice(0, cut), STREAM.slice(cut)])).toEqual({ messages: EXPECTED, faults: [] })
  }
  expect(readIn([...STREAM]).messages).toEqual(EXPECTED)
})

test('a reply whose length nobody states is a fault, not a guess', () => {
  expect(readIn(['HTTP/1.1 200 OK\r\n\r\nabc']).faults).toHaveLength(1)
})

test('a chunk size that is no number is a fault', () => {
  const { faults } = readIn(['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'])
  expect(faults[0]).toContain('chunk size')
})
