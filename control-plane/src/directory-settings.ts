/**
 * The settings of sign-in: one OpenID provider or several, and for all tenants of Entra ID together those that may come
 * in. Half a configuration is none that anybody meant: a missing audience would let tokens of others in.
 */
import { z } from 'zod'

/** An OpenID provider that people sign in with, and how we are known to it. */
export type DirectoryConfig = {
  readonly issuer: string
  /** Who may sign in at an issuer that speaks for many tenants; null where it speaks for one. */
  readonly tenants: readonly string[] | null
  readonly clientId: string
  readonly clientSecret: string
  /** Of access tokens; one of them must be named. */
  readonly audiences: readonly string[]
  /** What people sign in with from a shell: a public client; null where they cannot. */
  readonly cliClientId: string | null
  readonly adminUrl: string
  /** True lets a provider on plain HTTP in, for evaluation and tests. */
  readonly allowHttp: boolean
}

export type Given = Readonly<Record<string, string | undefined>>

const TOGETHER = [
  'HEADGATE_OIDC_ISSUER',
  'HEADGATE_OIDC_CLIENT_ID',
  'HEADGATE_OIDC_CLIENT_SECRET',
  'HEADGATE_OIDC_AUDIENCE',
  'HEADGATE_ADMIN_URL',
] as const

/** The one issuer that speaks for many tenants and is taken, with a list of them. */
export const ORGANIZATIONS = 'https://login.microsoftonline.com/organizations/v2.0'

/** One for each provider, with blanks between them. */
const perProvider = (part: z.ZodType<string, string>) =>
  z
    .string()
    .transform((text) => text.split(/\s+/).filter((it) => it !== ''))
    .pipe(z.array(part).min(1, 'must not be blank'))
    .optional()

const Origin = z
  .string()
  .refine((text) => URL.canParse(text) && new URL(text).origin === text && /^https?:/.test(text), {
    error: 'must be an origin without a path, as https://admin.example.com',
  })

/** Whoever speaks for many tenants would let any of them in. */
const Issuer = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:\/\/[^?#]+$/.test(text), {
    error: 'must be the address of an OpenID provider, as https://login.microsoftonline.com/<tenant id>/v2.0',
  })
  .refine((text) => text === ORGANIZATIONS || !/\/(common|organizations|consumers)(\/|$)/.test(text), {
    error: `must name one tenant: write its id in the place of common or consumers, or take ${ORGANIZATIONS} with HEADGATE_OIDC_TENANTS`,
  })

export const DirectorySettings = z.object({
  HEADGATE_ADMIN_URL: Origin.optional(),
  HEADGATE_OIDC_ISSUER: perProvider(Issuer),
  HEADGATE_OIDC_TENANTS: z
    .string()
    .transform((text) => text.split(',').map((it) => it.trim()))
    .pipe(z.array(z.guid('must be ids of tenants with commas between them').toLowerCase()).min(1))
    .optional(),
  HEADGATE_OIDC_CLIENT_ID: perProvider(z.string()),
  HEADGATE_OIDC_CLI_CLIENT_ID: perProvider(z.string()),
  HEADGATE_OIDC_CLIENT_SECRET: perProvider(
    z.string().regex(/^env:\/\/[A-Z][A-Z0-9_]*$/, 'must say where the secret is, as env://NAME'),
  ),
  HEADGATE_OIDC_AUDIENCE: perProvider(
    z
      .string()
      .regex(
        /^[\x21-\x2b\x2d-\x7e]+(,[\x21-\x2b\x2d-\x7e]+)*$/,
        'must be one audience or several, with commas between',
      ),
  ),
})

/**
 * What the shapes of single settings cannot see, one line each.
 * @param secret judges a client secret
 */
export function directoryFaults(given: Given, secret: z.ZodType): string[] {
  const set = TOGETHER.filter((name) => given[name] !== undefined)
  // The address alone is good for links.
  if (set.length === 0 || (set.length === 1 && set[0] === 'HEADGATE_ADMIN_URL')) return []
  const missing = TOGETHER.filter((name) => given[name] === undefined)
  const faults = missing.map(
    (name) => `  ${name} is required: people can sign in only when all of ${TOGETHER.join(', ')} are set`,
  )
  const partsOf = (name: string) => (given[name] ?? '').split(/\s+/).filter((it) => it !== '')
  const issuers = partsOf('HEADGATE_OIDC_ISSUER')
  if (given['HEADGATE_MODE'] !== 'evaluation')
    for (const name of ['HEADGATE_OIDC_ISSUER', 'HEADGATE_ADMIN_URL'])
      if (partsOf(name).some((it) => it.startsWith('http:')))
        faults.push(`  ${name} must begin with https:// in production`)
  for (const name of [...TOGETHER.slice(1, 4), 'HEADGATE_OIDC_CLI_CLIENT_ID'])
    if (given[name] !== undefined && issuers.length > 0 && partsOf(name).length !== issuers.length)
      faults.push(`  ${name} must have as many parts, with blanks between, as HEADGATE_OIDC_ISSUER`)
  if (new Set(issuers).size !== issuers.length) faults.push('  HEADGATE_OIDC_ISSUER names one provider twice')
  return [...faults, ...tenantFaults(given, issuers), ...secretFaults(given, { partsOf, secret })]
}

function tenantFaults(given: Given, issuers: readonly string[]): string[] {
  const speaksForMany = issuers.includes(ORGANIZATIONS)
  const isSet = given['HEADGATE_OIDC_TENANTS'] !== undefined
  if (speaksForMany && !isSet)
    return [
      '  HEADGATE_OIDC_TENANTS is required: HEADGATE_OIDC_ISSUER speaks for all organizations, so say whose people may come in',
    ]
  if (speaksForMany || !isSet) return []
  return [`  HEADGATE_OIDC_TENANTS is for ${ORGANIZATIONS} alone: every other issuer names its tenant itself`]
}

function secretFaults(
  given: Given,
  { partsOf, secret }: { partsOf: (name: string) => string[]; secret: z.ZodType },
): string[] {
  return partsOf('HEADGATE_OIDC_CLIENT_SECRET').flatMap((reference) => {
    if (!reference.startsWith('env://')) return []
    const checked = secret.safeParse(given[reference.slice(6)])
    return checked.success ? [] : [`  ${reference.slice(6)} ${checked.error.issues[0]?.message}`]
  })
}

/** The providers, in the order they were named; none when nobody signs in with one. */
export function directoriesIn(
  it: z.infer<typeof DirectorySettings>,
  given: Given,
  allowHttp: boolean,
): readonly DirectoryConfig[] {
  const { HEADGATE_OIDC_ISSUER: issuers = [], HEADGATE_ADMIN_URL: adminUrl } = it
  const directories = issuers.flatMap((issuer, index) => {
    const clientId = it.HEADGATE_OIDC_CLIENT_ID?.[index]
    const clientSecret = given[it.HEADGATE_OIDC_CLIENT_SECRET?.[index]?.slice(6) ?? '']
    const audiences = it.HEADGATE_OIDC_AUDIENCE?.[index]?.split(',')
    if (!clientId || !adminUrl || !clientSecret || !audiences) return []
    const tenants = issuer === ORGANIZATIONS ? (it.HEADGATE_OIDC_TENANTS ?? []) : null
    const cliClient = it.HEADGATE_OIDC_CLI_CLIENT_ID?.[index]
    const cliClientId = cliClient === undefined || cliClient === '-' ? null : cliClient
    const ours = { clientId, clientSecret, audiences, cliClientId, adminUrl }
    return [Object.freeze({ issuer, tenants, ...ours, allowHttp })]
  })
  return Object.freeze(directories)
}
