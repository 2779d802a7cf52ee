/** Runs simulations: opens the catalog that is asked for, finds who calls, and tells what the rules of the domain say. */
import type { AdminProblem } from '@headgate/admin-contract/problem'
import type {
  Load,
  SimulatedCase,
  SimulationCase,
  SimulationRequest,
} from '@headgate/admin-contract/simulations'
import { renameKeys } from '@headgate/admin-contract/wire'
import { type Catalog, CatalogDocument, openCatalog } from '@headgate/domain/catalog'
import { toGatewayError } from '@headgate/domain/gateway-error'
import type { KeyRecord } from '@headgate/domain/proxy-key'
import type { Pool } from '@headgate/domain/reservation'
import { keylessRecord, type SimulatedCall } from '@headgate/domain/simulated-call'
import { SimulatedLedger } from '@headgate/domain/simulated-ledger'
import { simulate } from '@headgate/domain/simulation'
import { readKeyRecord } from '../catalog/publish-keys.ts'
import type { Home } from '../change.ts'
import { readCatalogDocument, readCatalogVersion } from '../resources/catalog/queries.ts'
import { fieldFault, found } from '../resources/context.ts'
import type { Lister } from './run-batch.ts'
import { draftDocument } from './run-draft.ts'
import type { Done, InboundRequest } from './run-operation.ts'
import { simulatedCase } from './simulated-case.ts'

type Asking = Lister & {
  readonly request: Pick<InboundRequest, 'id' | 'address' | 'ifMatch' | 'idempotencyKey'>
}

const BYTES_PER_TOKEN = 4

/** @throws AdminProblem when the catalog or a caller is not there, or a draft cannot be published */
export async function runSimulations(asked: SimulationRequest, lister: Asking): Promise<Done> {
  const { home } = lister
  const document = await documentFor(asked, lister)
  const catalog = openCatalog(document)
  const calls: Calls = []
  const nowMs = home.clock.nowMs()
  for (const [at, one] of asked.cases.entries()) {
    const key = await keyFor(one, at, { home, document })
    calls.push({ name: one.name, call: callOf(one, key, nowMs) })
  }
  const { load, data } = await simulateAll(calls, asked.load, { home, catalog, nowMs })
  const version = asked.draftId === null ? document.version : null
  return { status: 200, body: JSON.stringify(renameKeys({ version, load, data })), headers: {} }
}

type Calls = { readonly name: string | null; readonly call: SimulatedCall }[]
type Around = { readonly home: Home; readonly catalog: Catalog; readonly nowMs: number }

/** The ledger cannot be asked; not to be taken for what a gateway would answer. */
class LedgerAway extends Error {}

async function simulateAll(
  calls: Calls,
  load: Load,
  around: Around,
): Promise<{ load: Load; data: SimulatedCase[] }> {
  const { home, catalog, nowMs } = around
  const data: SimulatedCase[] = []
  try {
    for (const { name, call } of calls) {
      const look = (pools: readonly Pool[]) => looked(home, pools, call.key.teamId)
      const ledger = new SimulatedLedger(load === 'now' ? look : null, nowMs)
      data.push(simulatedCase(name, await simulate(call, { catalog, ledger })))
    }
    return { load, data }
  } catch (fault) {
    if (fault instanceof LedgerAway) return simulateAll(calls, 'none', around)
    throw fault
  }
}

async function documentFor(
  { version, draftId }: SimulationRequest,
  lister: Asking,
): Promise<CatalogDocument> {
  const { db } = lister.home
  const drafted = draftId === null ? null : await draftDocument({ draftId, lister })
  if (drafted !== null) return drafted
  const stored = version === null ? await readCatalogDocument(db) : await readCatalogVersion(db, version)
  return CatalogDocument.parse(found(stored).document)
}

type Known = { readonly home: Home; readonly document: CatalogDocument }

async function keyFor(one: SimulationCase, at: number, { home, document }: Known): Promise<KeyRecord> {
  if (one.keyId !== null) {
    const record = await readKeyRecord(home.db, one.keyId)
    if (record === undefined) throw unknownCaller(at, 'key_id', 'there is no such key')
    return record
  }
  const app = document.apps.find((it) => it.id === one.appId)
  if (app === undefined) throw unknownCaller(at, 'app_id', 'this catalog knows no such app')
  return keylessRecord({ appId: app.id, teamId: app.teamId, userId: one.userId })
}

function unknownCaller(at: number, field: string, message: string): AdminProblem {
  const fix = 'Send the id of one that exists.'
  return fieldFault(`/cases/${at}/${field}`, { code: 'unknown', message, fix })
}

function callOf(one: SimulationCase, key: KeyRecord, nowMs: number): SimulatedCall {
  return {
    ...{ key, model: one.model, endpoint: one.endpoint, inputTokens: one.inputTokens },
    ...{ outputTokens: one.outputTokens, choices: one.choices, session: one.session },
    requestBytes: one.requestBytes ?? one.inputTokens * BYTES_PER_TOKEN,
    tags: new Map(one.tags.map(({ name, value }) => [name, value])),
    atMs: one.at === null ? nowMs : Date.parse(one.at),
  }
}

async function looked({ ledger }: Home, pools: readonly Pool[], teamId: string) {
  try {
    return await ledger.look(pools, [teamId])
  } catch (fault) {
    if (toGatewayError(fault).code !== 'limiter_unavailable') throw fault
    throw new LedgerAway()
  }
}
