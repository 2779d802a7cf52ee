/** Requests gone wrong, by a seed: the same seed gives the same requests, so what fails once fails again. */

/** Numbers in [0, 1) from a seed; the mulberry32 generator. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Texts that parsers stumble over. */
const TOKENS = [
  ...[
    '\r\n',
    '\n',
    '\r',
    '\r\n\r\n',
    '\0',
    ' ',
    '\t',
    ':',
    ';',
    ',',
    '"',
    '\\',
    '{',
    '}',
    '[',
    ']',
    '%00',
    '%2e%2e/',
    '//',
  ],
  ...[
    'Transfer-Encoding: chunked\r\n',
    'Content-Length: 5\r\n',
    'Content-Length: 99999999999\r\n',
    'Host: b\r\n',
  ],
  ...[
    'Connection: close\r\n',
    'Connection: keep-alive, accept\r\n',
    'Expect: 100-continue\r\n',
    'Upgrade: h2c\r\n',
  ],
  ...[
    'Content-Encoding: gzip\r\n',
    '__proto__: x\r\n',
    'Authorization: Bearer x\r\n',
    'api-key: x\r\n',
    'X-Headgate-Hop: a\r\n',
  ],
  ...[
    '"model":"gpt-4o",',
    '"model":null,',
    '"stream":true,',
    '"stream_options":{"include_usage":true},',
    '"stream_options":7,',
  ],
  ...[
    '"__proto__":{"a":1},',
    '"n":1e400,',
    '"max_tokens":-1,',
    '"max_tokens":1e9,',
    '\\ud800',
    '\\u0000',
    '\xff',
    '\xc0\x80',
  ],
  ...[
    '0\r\n\r\n',
    'ffffffff\r\n',
    'HTTP/1.0',
    'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n',
    '[[[[[[[[[[',
    '\xef\xbb\xbf',
    '1e1',
    'null',
  ],
]

/** Values where others were expected; all of them legal JSON. */
const VALUES = [
  ...[
    '0',
    '-1',
    '1e400',
    '1e9',
    '0.5',
    'null',
    'true',
    'false',
    '""',
    '[]',
    '{}',
    '"gpt-4o"',
    '"fail-400"',
    '"no such"',
  ],
  ...[
    '[[[[[[]]]]]]',
    '{"include_usage":true}',
    '{"include_usage":false,"x":[1]}',
    '"\\ud800"',
    '"\\u0000"',
    '[null,{"a":[]}]',
  ],
  ...[
    '"\xc3\xa9"',
    '{"__proto__":{"x":1}}',
    `"${'long '.repeat(2000)}"`,
    `[${'0,'.repeat(5000)}0]`,
    '9007199254740993',
  ],
]
/** Headers a caller, a proxy or an attacker might add. */
const LINES = [
  ...[
    'Accept: */*',
    'Accept: \xe9',
    'OpenAI-Beta: x',
    'X-Request-Id: abcdefgh',
    'X-Request-Id: \x7f',
    'Cookie: a=b',
    'Expect: 100-continue',
  ],
  ...[
    'X-Forwarded-For: 1.2.3.4',
    'Forwarded: for=x',
    'Connection: close',
    'Connection: authorization',
    'TE: trailers',
    'Upgrade: h2c',
  ],
  ...[
    'Host: other',
    'api-key: x',
    'Authorization: Basic x',
    'Content-Encoding: gzip',
    'X-Headgate-Hop: req_1',
    '__proto__: x',
    'a: b',
  ],
]

/**
 * A request changed in one to four places: bytes of its head or body, values of its JSON, lines of its head. Where
 * only the body changed, its length is mostly put right, so that it is read.
 */
export function mutate(request: string, random: () => number): string {
  const whole = (below: number) => Math.floor(random() * below)
  const bodyAt = request.indexOf('\r\n\r\n') + 4
  const kind = whole(5)
  let head = request.slice(0, bodyAt)
  let body = request.slice(bodyAt)
  for (let left = 1 + whole(4); left > 0; left--) {
    if (kind === 0) head = changed(head, whole)
    else if (kind === 1) body = changed(body, whole)
    else if (kind === 2) head = head.replace('\r\n\r\n', `\r\n${LINES[whole(LINES.length)]}\r\n\r\n`)
    else body = otherValue(body, whole)
  }
  if (random() < 0.9) head = head.replace(/Content-Length: \d+/, `Content-Length: ${body.length}`)
  return head + body
}

function otherValue(body: string, whole: (below: number) => number): string {
  const values = [...body.matchAll(/(?<=:)("[^"]*"|-?\d+|true|false|null)/g)]
  const chosen = values[whole(values.length)]
  if (chosen === undefined) return body
  const value = VALUES[whole(VALUES.length)] as string
  return body.slice(0, chosen.index) + value + body.slice(chosen.index + chosen[0].length)
}

function changed(text: string, whole: (below: number) => number): string {
  const at = whole(text.length + 1)
  const token = TOKENS[whole(TOKENS.length)] as string
  switch (whole(6)) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(whole(256)) + text.slice(at + 1)
    case 1:
      return text.slice(0, at) + text.slice(at + 1 + whole(12))
    case 2:
      return text.slice(0, at) + text.slice(at, at + whole(40)).repeat(2) + text.slice(at)
    case 3:
      return afterLine(text, at, token)
    case 4:
      return text.slice(0, at) + token.repeat(1 + whole(3)) + text.slice(at)
    default:
      return text.slice(0, at) + token + text.slice(at + token.length)
  }
}

/** Puts the token where a line begins, as a header would stand. */
function afterLine(text: string, at: number, token: string): string {
  const lineEnd = text.indexOf('\r\n', at)
  const from = lineEnd < 0 ? at : lineEnd + 2
  return text.slice(0, from) + token + text.slice(from)
}
