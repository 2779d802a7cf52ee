/**
 * The request object of Node's server without its header object. Node builds that object for every request to
 * look at two of its fields; the gateway reads the raw list (request-head.ts) and needs it never. So here it
 * holds those two fields and nothing else.
 */
import { IncomingMessage } from 'node:http'

/** The fields Node's own server asks for: is there a Host, and does the caller wait for 100 Continue? */
type AskedByNode = { host?: string; expect?: string }

export class LeanMessage extends IncomingMessage {}

// Declared as a property by Node's types, which a class may not override with an accessor.
Object.defineProperty(LeanMessage.prototype, 'headers', {
  get(this: IncomingMessage): AskedByNode {
    const asked: AskedByNode = {}
    const { rawHeaders } = this
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] as string
      if (name.length === 4 && name.toLowerCase() === 'host') asked.host = rawHeaders[i + 1] as string
      else if (name.length === 6 && name.toLowerCase() === 'expect')
        asked.expect = rawHeaders[i + 1] as string
    }
    return asked
  },
})
