// What the portal's API speaks; the Go types of the same names say what the fields mean.

export type Status = "unknown" | "running" | "backoff" | "failed" | "quarantined" | "stopped";

export interface Signal {
  name: string;
  guest?: string;
  status: Status;
  description?: string;
  digest?: string;
  restarts?: number;
  paused?: boolean;
  slow?: boolean;
  probation?: boolean;
  compared?: number;
  agreed?: number;
  differs?: string;
  waiting?: number;
  spooled?: number;
  partitions?: number;
  in: number;
  out: number;
  dropped?: number;
  deadLetters?: number;
  traps?: number;
  calls?: number;
  busyUs?: number;
  memoryBytes?: number;
}

export interface Message {
  n?: number;
  time: number;
  module?: string;
  output?: string;
  body: string;
  base64?: boolean;
  bytes: number;
  properties?: Record<string, string>;
}

export interface Call {
  verdict: string;
  tookUs: number;
  memoryBytes: number;
  error?: string;
}

export interface Traced {
  time: number;
  partition?: string;
  input?: string;
  source?: string;
  waitedUs: number;
  tookUs: number;
  message: Message;
  calls?: Call[];
  outputs?: Message[];
  left?: number;
  failure?: string;
}

/** Milliseconds since 1970, a value, and what it is: 0 arrived, 1 sent, 2 told without a value, 3 a dead letter. */
export type Point = [number, number, number];

export interface Values {
  signal: string;
  points?: Point[];
  messages?: Traced[];
  missed?: number;
}

export interface Account {
  sent: number;
  delivered: number;
  redelivered: number;
  acked: number;
  waiting: number;
  overdue: number;
  expired: number;
  rejected: number;
  published: number;
  upstream: number;
  deadLetters: number;
  duplicates: number;
  unrouted: number;
  malformed: number;
}

export interface HubState {
  connected: boolean;
  desired: number;
  reported: number;
  uptimeMs: number;
  routes: number[];
  queued: Record<string, number>;
  account: Account;
}

export interface HubEvent {
  time: number;
  kind: string;
  text: string;
}

export interface Tick {
  time: number;
  hub: HubState;
  signals?: Signal[];
  all?: string[];
  values?: Values;
  upstream?: Message[];
  missed?: number;
  letters?: Message[];
  events?: HubEvent[];
  problem?: string;
}

export interface Source {
  kind: "input" | "signal" | "timer";
  name?: string;
}

export interface SignalSpec {
  name: string;
  displayName?: string;
  source: Source;
  sources?: Record<string, Source>;
  guest?: string;
  output: string;
  unit?: string;
  settings?: Record<string, unknown>;
  [field: string]: unknown;
}

export interface GuestSpec {
  name: string;
  source: string;
  digest?: string;
  status: string;
  limits: Record<string, number>;
  permissions: Record<string, unknown>;
  settings?: Record<string, unknown>;
}

export interface Route {
  name: string;
  from: string;
  condition?: boolean;
  upstream?: boolean;
  module?: string;
  input?: string;
}

export interface Finding {
  severity: "refused" | "ignored" | "warning";
  path: string;
  reason: string;
  hint?: string;
}

export interface Flow {
  module: string;
  version: string;
  desired: number;
  inModule: boolean;
  routes: Route[];
  sources: { module: string; output: string; input: string }[];
  signals: SignalSpec[];
  guests: GuestSpec[];
  findings: Finding[];
}

export interface Twin {
  desired: unknown;
  desiredVersion: number;
  desiredBytes: number;
  reported: unknown;
  reportedVersion: number;
  reportedBytes: number;
  maxBytes: number;
}

export interface Inspection {
  digest: string;
  bytes: number;
  runs: boolean;
  reason?: string;
  abi?: string;
  memoryPages: number;
  imports: string[];
  exports: string[];
  permissions: string[];
}
