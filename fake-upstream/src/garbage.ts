/**
 * Garbage: things the event-stream format allows, or real servers send, that a hasty parser trips over. None of
 * it changes the answer.
 */

/** The pieces written before the first text of a stream, each a whole event or comment. */
export function garbageBeforeText(): readonly Buffer[] {
  return [
    Buffer.from(': a comment, as a heartbeat\n\n'),
    Buffer.from(':\r\n\r\n'),
    Buffer.from('id: 7\nretry: 1000\n\n'),
    Buffer.from('event: provider.unknown\r\ndata: {"unknown":true}\r\n\r\n'),
    Buffer.from('nonsense: a field nobody knows\nevent: provider.unknown\ndata:{"choices":[]}\n\n'),
    Buffer.concat([
      Buffer.from(': bad bytes '),
      Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80]),
      Buffer.from('\n\n'),
    ]),
    Buffer.concat([
      Buffer.from('data: {"choices":[],"note":"'),
      Buffer.from([0xff, 0xf0, 0x9f]),
      Buffer.from('"}\n\n'),
    ]),
    Buffer.from('\n\n\n'),
  ]
}

/** What no client should meet: an event without data, and one whose data is not JSON. */
export function brokenEvents(): readonly Buffer[] {
  return [Buffer.from('event: ping\n\n'), Buffer.from('data: {"choices":[{"delta"\n\n')]
}
