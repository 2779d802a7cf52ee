/**
 * A proxy in front of Redis that loses what a test wants lost: the reply to a script call that was delivered, or
 * the connection before the call is delivered late. All else passes as it is.
 */
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** The reply is swallowed; or the call is delivered so many milliseconds after the caller was cut off. */
export type Loss = 'reply' | { readonly deliverAfterMs: number }

export type LossyProxy = {
  /** The server's URL, through the proxy. */
  readonly url: string
  /** Loses the next script call in this way; several losses follow one another. */
  lose(loss: Loss): void
  /** Losses that were asked for and have happened. */
  lostCount(): number
  /** Delivers what is late yet, and ends all connections. */
  [Symbol.asyncDispose](): Promise<void>
}

export async function lossyProxy(serverUrl: string): Promise<LossyProxy> {
  const target = new URL(serverUrl)
  const losses: Loss[] = []
  const sockets = new Set<Socket>()
  const deliveries: Promise<void>[] = []
  let lost = 0

  const server = createServer((caller) => {
    const onward = connect({ host: target.hostname, port: Number(target.port) })
    for (const socket of [caller, onward]) {
      sockets.add(socket)
      socket.setNoDelay()
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    }
    let doomed = false
    caller.on('data', (bytes) => {
      const loss = bytes.includes('EVAL') ? losses.shift() : undefined
      if (doomed || loss === undefined) {
        onward.write(bytes)
        return
      }
      doomed = true
      lost += 1
      if (loss === 'reply') {
        onward.write(bytes)
        return
      }
      caller.resetAndDestroy()
      deliveries.push(deliver(onward, bytes, loss.deliverAfterMs))
    })
    onward.on('data', (bytes) => {
      if (!doomed) caller.write(bytes)
      else if (!caller.destroyed) {
        caller.resetAndDestroy()
        onward.end()
      }
    })
    onward.on('end', () => caller.end())
    caller.on('end', () => onward.end())
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  const url = new URL(serverUrl)
  url.hostname = '127.0.0.1'
  url.port = String(typeof address === 'object' && address !== null ? address.port : 0)
  return {
    url: url.href,
    lose: (loss) => void losses.push(loss),
    lostCount: () => lost,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(deliveries)
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}

/** Resolves when the server has answered, or has nothing more to say. */
async function deliver(onward: Socket, bytes: Buffer, afterMs: number): Promise<void> {
  await sleep(afterMs)
  const answered = new Promise<void>((done) => {
    onward.once('data', () => done())
    onward.once('close', () => done())
  })
  onward.write(bytes)
  await answered
}
