/** The key directory contract on memory and on a real Redis. */
import { freshRedisUrl } from '../../../tests/servers/fresh-redis.ts'
import { memoryKeyDirectory } from '../memory/key-directory.ts'
import { connectRedis } from '../redis/client.ts'
import { redisKeyDirectory } from '../redis/key-directory.ts'
import { keyDirectoryContract } from './key-directory-contract.ts'

const log = () => {}

keyDirectoryContract('memory', async () => {
  const directory = memoryKeyDirectory()
  return { publisher: directory, gateway: directory, close: async () => {} }
})

keyDirectoryContract('redis', async () => {
  const url = await freshRedisUrl()
  const [one, two] = [await connectRedis(url, { log }), await connectRedis(url, { log })]
  const publisher = redisKeyDirectory(one, { log })
  const gateway = redisKeyDirectory(two, { log })
  return {
    publisher,
    gateway,
    close: async () => {
      publisher.close()
      gateway.close()
      await Promise.all([one.close(), two.close()])
    },
  }
})
