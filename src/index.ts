// Servers.

export type {
  Accept,
  AcceptedSocket,
  Acceptor,
  AcceptorHost,
  Framing,
  PortAcceptor,
  SocketEvents,
  TcpOptions,
  WebSocketOnOptions,
  WebSocketOptions,
} from "./acceptor/index.ts";
// Parts of a server that can be replaced.
export { acceptStream, tcp, webSocket, webSocketOn } from "./acceptor/index.ts";
export type { Clock, Random, Timer } from "./clock/index.ts";
// What handlers and remotes are given.
export type {
  CallContext,
  Caller,
  Cluster,
  DrainTime,
  EveryServer,
  GroupOptions,
  HandlerContext,
  Lifecycle,
  Module,
  ModuleKey,
  PublicContext,
  Readiness,
  ReadinessReason,
  RemoteContext,
  RemoteTarget,
  Server,
  ServerResult,
  Timers,
} from "./context/index.ts";
export { moduleKey } from "./context/index.ts";
export type { Answer, Call, CallOptions, Done, FieldViolation, Init, Push, Result } from "./contract/index.ts";
export { violationsOf } from "./contract/index.ts";
export type {
  Discovery,
  DiscoveryEvents,
  DiscoveryHost,
  Membership,
  RecordSeal,
  ServerInfo,
  ServerState,
  Store,
  StoreEntry,
  StoreWrite,
  StoreWritten,
} from "./discovery/index.ts";
export { etcd, memory } from "./discovery/index.ts";
export type { CloseReason, Code, DeclaredError, Kick, KickCode, NanoErrorOptions, UndeclaredError } from "./error/index.ts";
export { NanoError } from "./error/index.ts";
export type {
  Authenticate,
  Authenticated,
  ClientRelease,
  ClientsOptions,
  CompressionOptions,
  DescribeError,
  ErrorAbout,
  FrontendLimits,
  Refusal,
  UnknownMessage,
  UnknownOutcome,
  UnknownRoute,
  WholeMessage,
} from "./frontend/index.ts";
export { authenticateBy } from "./frontend/index.ts";
export type { Group, GroupAdded, GroupAddOptions, GroupPushOptions, Member } from "./group/index.ts";
export type { Logger, LogLevel } from "./logger/index.ts";
export { createJsonLogger, silentLogger } from "./logger/index.ts";
export type {
  Bucket,
  CallCounter,
  CallRefusal,
  ClusterCounters,
  ConnectionRefusal,
  Counter,
  CounterSample,
  Distribution,
  FrameRefusal,
  FrontendCounters,
  GaugeSample,
  GaugeValue,
  Histogram,
  HistogramSample,
  Labels,
  LimitCounts,
  LimitName,
  LinkRefusal,
  MetricOptions,
  Metrics,
  RecordRefusal,
  RefusalCounts,
  Sample,
  ServerCounters,
  Stage,
} from "./metrics/index.ts";
export type { ChildProcessHandle, ChildProcessOptions } from "./module/index.ts";
export { childProcess } from "./module/index.ts";
export type { ByteStream, Listener, Net, ProxyOptions, StreamEvents, TlsIdentity, TlsOptions } from "./net/index.ts";
export type { Implementation, ImplementOptions, Next, PipelineCall, Service, Step } from "./pipeline/index.ts";
export { implement, onlyFor } from "./pipeline/index.ts";
export type {
  PrometheusOptions,
  PrometheusReporter,
  Reporter,
  ReporterHost,
  ReporterPage,
  StatsdOptions,
} from "./reporter/index.ts";
export { prometheus, statsd } from "./reporter/index.ts";
export type { RoutedCall, RoutedSession, RoutingFunction } from "./router/index.ts";
export type { Serializer } from "./serializer/index.ts";
export type {
  ClusterOptions,
  HttpOptions,
  LoadedSettings,
  Served,
  ServerOptions,
  Settings,
  SettingsSources,
  StopSignal,
  UserOptions,
  WatchdogOptions,
} from "./server/index.ts";
export { createServer, loadSettings, SettingsError, serve, withSettings } from "./server/index.ts";
export type {
  BoundSession,
  ClientInfo,
  ContextKey,
  ContextValues,
  FormerSession,
  Handshake,
  Patch,
  Reach,
  ServerSessionHooks,
  Session,
  SessionEvents,
  SessionHooks,
  Target,
  UserSession,
  View,
} from "./session/index.ts";
export { contextKey, sessionHooks } from "./session/index.ts";
export type { TracingOptions } from "./tracing/index.ts";
export type { UserGroup, UserGroupPushOptions, Users } from "./user/index.ts";
