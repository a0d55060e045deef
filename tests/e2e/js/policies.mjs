// SPDX-License-Identifier: Apache-2.0
// Random policies and requests, with what another evaluator of IAM decides. One JSON object a line: the request in the
// form of tests/unit/auth/policy_verdicts.c, and `verdict`: allow, deny or none.
//
//   node policies.mjs COUNT SEED
import { runSimulation, runUnsafeSimulation } from '@cloud-copilot/iam-simulate'

const [count, seed] = process.argv.slice(2).map(Number)

// --- randomness, the same for the same seed ------------------------------------------------------------------------

let state = seed >>> 0
function random () {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
const below = n => Math.floor(random() * n)
const chance = p => random() < p
const pick = list => list[below(list.length)]
const some = (list, most) => Array.from({ length: 1 + below(most) }, () => pick(list))
const oneOrMore = list => chance(0.6) ? pick(list) : some(list, 3)

// --- what requests are made of -------------------------------------------------------------------------------------

const OURS = '111111111111'
const THEIRS = '222222222222'
const REGIONS = ['eu-west-1', 'us-east-1']
const arn = (kind, id, account = OURS, region = 'eu-west-1') =>
  `arn:aws:servicediscovery:${region}:${account}:${kind}/${id}`

const ACTIONS = {
  service: ['RegisterInstance', 'DeregisterInstance', 'GetInstance', 'ListInstances', 'GetService', 'UpdateService',
    'DeleteService', 'UpdateInstanceCustomHealthStatus'],
  namespace: ['GetNamespace', 'DeleteNamespace', 'UpdateHttpNamespace']
}
const ACTION_PATTERNS = ['*', 'servicediscovery:*', 'servicediscovery:*', 'servicediscovery:*', 'servicediscovery:Get*', 'servicediscovery:*Instance',
  'servicediscovery:?e*', 'SERVICEDISCOVERY:getservice', 'servicediscovery:RegisterInstance', 's3:*',
  'servicediscovery:*e*e*', 'servicediscovery:List*', 'sts:AssumeRole', 'servicediscovery:GetNamespace']
const RESOURCE_PATTERNS = ['*', '*', '*', arn('service', '*'), arn('namespace', '*'), arn('service', 'srv-a'),
  arn('service', 'srv-?'), arn('service', 'srv-*a*', '*', '*'), arn('namespace', 'ns-a'), arn('service', 'srv-b'),
  arn('service', '*', OURS, 'eu-*'), arn('service', '*', THEIRS),
  arn('service', '*', '*', '??-*-1'), 'arn:aws:s3:::bucket/*', 'arn:aws:servicediscovery:*', arn('service', 'srv-${aws:username}'),
  arn('namespace', "ns-${aws:ResourceTag/team, 'a'}"), arn('service', 'srv-${*}')]

const PRINCIPALS = [
  { kind: 'user', account: OURS, arn: `arn:aws:iam::${OURS}:user/ann`, name: 'ann' },
  { kind: 'user', account: OURS, arn: `arn:aws:iam::${OURS}:user/team/bob`, name: 'bob' },
  { kind: 'role', account: OURS, arn: `arn:aws:sts::${OURS}:assumed-role/deploy/s1`, name: 'deploy' },
  { kind: 'user', account: THEIRS, arn: `arn:aws:iam::${THEIRS}:user/eve`, name: 'eve' }
]
const NAMED_PRINCIPALS = ['*', OURS, THEIRS, `arn:aws:iam::${OURS}:root`, `arn:aws:iam::${THEIRS}:root`,
  `arn:aws:iam::${OURS}:user/ann`, `arn:aws:iam::${OURS}:user/team/bob`, `arn:aws:iam::${THEIRS}:user/eve`,
  `arn:aws:iam::${OURS}:role/deploy`, `arn:aws:iam::${OURS}:role/path/deploy`,
  `arn:aws:sts::${OURS}:assumed-role/deploy/s1`, `arn:aws:sts::${OURS}:assumed-role/deploy/s2`]

// --- conditions: keys with values that calls have, and with what policies say of them --------------------------------

const TEXTS = ['a', 'b', 'ann', 'A', 'team-a', 'x*y', '']
const TEXT_PATTERNS = ['a', 'b', '*', 'a*', '?', 'team-?', '*a*', 'A', 'x${*}y', '${aws:username}', '${aws:PrincipalTag/none}',
  "${aws:PrincipalTag/none, 'a'}", 'ann', '**a']
const NUMBERS = ['1', '2', '10', '-3', '2.5', '0']
const DATES = ['2026-01-01T00:00:00Z', '2026-06-01T12:30:00Z', '2027-01-01T00:00:00.500Z', '2026-06-01']
const ADDRESSES = ['10.0.0.1', '10.1.2.3', '192.0.2.7', '2001:db8::1', '2001:db8:8000::1']
const NETWORKS = ['10.0.0.0/8', '10.0.0.0/30', '192.0.2.7/32', '0.0.0.0/1', '2001:db8::/32', '2001:db8::/33',
  '10.0.0.1', '::/0', '0.0.0.0/0']
const ARNS = [`arn:aws:iam::${OURS}:user/ann`, arn('service', 'srv-a'), arn('service', 'srv-b', THEIRS)]
const ARN_PATTERNS = [`arn:aws:iam::${OURS}:user/*`, 'arn:aws:iam::*:user/ann', arn('service', 'srv-a'),
  arn('service', '*', '*', '*'), arn('s*', 'srv-?', OURS), 'arn:*:iam:*:*:*', arn('service', '*', '1*')]

const GLOBAL_KEYS = ['aws:username', 'aws:CurrentTime', 'aws:EpochTime', 'aws:SecureTransport', 'aws:SourceIp']

const negatable = name => [name, name.replace(/^(String|Numeric|Date|Arn)/, '$1Not')]
const FAMILIES = [
  { keys: ['aws:username', 'aws:ResourceTag/team', 'aws:RequestTag/team', 'servicediscovery:NamespaceName'],
    operators: [...negatable('StringEquals'), ...negatable('StringEqualsIgnoreCase'), ...negatable('StringLike')],
    has: TEXTS, says: TEXT_PATTERNS },
  { keys: ['aws:TagKeys'],
    operators: ['StringEquals', 'StringNotEquals', 'StringLike', 'StringNotLike'].flatMap(
      o => [`ForAllValues:${o}`, `ForAnyValue:${o}`, o]),
    has: TEXTS, says: TEXT_PATTERNS, isList: true },
  { keys: ['s3:max-keys', 'aws:MultiFactorAuthAge'],
    operators: [...negatable('NumericEquals'), 'NumericLessThan', 'NumericLessThanEquals', 'NumericGreaterThan',
      'NumericGreaterThanEquals'],
    has: NUMBERS, says: NUMBERS },
  { keys: ['aws:CurrentTime', 'aws:TokenIssueTime'],
    operators: [...negatable('DateEquals'), 'DateLessThan', 'DateLessThanEquals', 'DateGreaterThan',
      'DateGreaterThanEquals'],
    has: DATES, says: DATES },
  { keys: ['aws:EpochTime'], operators: [...negatable('DateEquals'), 'DateLessThan', 'DateGreaterThan'],
    has: ['1767225600', '1780000000'], says: ['1767225600', '1770000000', '2026-01-01T00:00:00Z'] },
  { keys: ['aws:SecureTransport'], operators: ['Bool'], has: ['true', 'false'], says: ['true', 'false', 'True'] },
  { keys: ['aws:SourceIp'], operators: ['IpAddress', 'NotIpAddress'], has: ADDRESSES, says: NETWORKS },
  { keys: ['aws:PrincipalArn', 'servicediscovery:ServiceArn'],
    operators: [...negatable('ArnEquals'), ...negatable('ArnLike'), 'StringLike'], has: ARNS, says: ARN_PATTERNS }
]

function condition () {
  const result = {}
  for (let n = below(3); n > 0; n--) {
    const family = pick(FAMILIES)
    let operator = pick(family.operators)
    let says = oneOrMore(family.says)
    if (chance(0.1)) [operator, says] = ['Null', oneOrMore(['true', 'false'])]
    else if (chance(0.15)) operator += 'IfExists'
    const key = chance(0.1) ? pick(family.keys).toLowerCase() : pick(family.keys)
    result[operator] = { ...result[operator] }
    if (!Object.keys(result[operator]).some(k => k.toLowerCase() === key.toLowerCase())) result[operator][key] = says
  }
  return result
}

function context () {
  const result = {}
  for (const family of FAMILIES) {
    for (const key of family.keys) {
      if (chance(0.4)) continue
      result[key] = family.isList ? Array.from({ length: below(4) }, () => pick(family.has)) : pick(family.has)
    }
  }
  return result
}

// --- documents -----------------------------------------------------------------------------------------------------

function statement (names, isTrust) {
  const result = { Effect: chance(0.7) ? 'Allow' : 'Deny' }
  result[chance(0.85) ? 'Action' : 'NotAction'] = isTrust ? 'sts:AssumeRole' : oneOrMore(ACTION_PATTERNS)
  if (isTrust && result.NotAction) { result.Action = result.NotAction; delete result.NotAction }
  if (!isTrust) result[chance(0.85) ? 'Resource' : 'NotResource'] = oneOrMore(RESOURCE_PATTERNS)
  if (names) {
    const principal = chance(0.1) ? '*' : { AWS: oneOrMore(NAMED_PRINCIPALS) }
    result[result.Effect === 'Deny' && chance(0.2) ? 'NotPrincipal' : 'Principal'] = principal
  }
  if (chance(0.5)) result.Condition = condition()
  return result
}

function document (names, isTrust) {
  const statements = Array.from({ length: 1 + below(3) }, () => statement(names, isTrust))
  const result = { Statement: statements.length === 1 && chance(0.5) ? statements[0] : statements }
  if (chance(0.9)) result.Version = '2012-10-17'
  return result
}

function request () {
  const isTrust = chance(0.1)
  const kind = pick(['service', 'service', 'namespace'])
  const account = chance(0.85) ? OURS : THEIRS
  const result = {
    principal: pick(PRINCIPALS),
    action: `servicediscovery:${pick(ACTIONS[kind])}`,
    arn: arn(kind, `${kind === 'service' ? 'srv' : 'ns'}-${pick(['a', 'b', 'ann', '*'])}`.replace('*', 'aa'), account,
      pick(REGIONS)),
    account,
    context: context(),
    identity: Array.from({ length: chance(0.15) ? 0 : 1 + below(2) }, () => document())
  }
  if (isTrust) {
    result.action = 'sts:AssumeRole'
    result.arn = `arn:aws:iam::${account}:role/target`
    result.trust = document(true, true)
  } else if (chance(0.35)) {
    result.resource = document(true)
  }
  if (result.principal.kind === 'role' && !isTrust && chance(0.4)) {
    result.session = document()
    // What decides these drops the keys that AWS does not have for the action.
    for (const key of Object.keys(result.context)) if (!GLOBAL_KEYS.includes(key)) delete result.context[key]
  }
  return result
}

// --- the other evaluator ---------------------------------------------------------------------------------------------

const VERDICTS = { Allowed: 'allow', ExplicitlyDenied: 'deny', ImplicitlyDenied: 'none' }

async function decide (r) {
  const simulation = {
    request: {
      principal: r.principal.arn,
      action: r.action,
      resource: { resource: r.arn, accountId: r.account },
      contextVariables: r.context
    },
    identityPolicies: r.identity.map((policy, i) => ({ name: `p${i}`, policy })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy: r.trust ?? r.resource,
    sessionPolicy: r.session
  }
  if (!r.session) return VERDICTS[runUnsafeSimulation(simulation, {})]
  const result = await runSimulation(simulation, {})
  return VERDICTS[result.overallResult]
}

// Requests whose documents that evaluator's own validation refuses are drawn again.
for (let n = 0; n < count;) {
  const r = request()
  const verdict = await decide(r).catch(() => undefined)
  if (!verdict) continue
  const texts = { ...r, identity: r.identity.map(d => JSON.stringify(d)) }
  for (const kind of ['session', 'resource', 'trust']) if (r[kind]) texts[kind] = JSON.stringify(r[kind])
  process.stdout.write(JSON.stringify({ request: texts, verdict }) + '\n')
  n++
}
