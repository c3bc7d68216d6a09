export {
  buildSourceSchema,
  buildRequestedSchema,
  buildCancelledSchema,
  buildRequestEventSchema,
  diagnosticSchema,
  buildStartedSchema,
  buildSucceededSchema,
  buildFailedSchema,
  buildEventSchema,
} from './build.events';
export type { BuildSource, BuildRequested, BuildRequestEvent, Diagnostic, BuildEvent } from './build.events';
export { buildProgressSchema } from './build.progress';
export type { BuildProgress } from './build.progress';
export { attachProblem, chainAttachSchema } from './chain.attach';
export type { ChainAttach } from './chain.attach';
export { kfDocumentSchema, chainDocumentSchema, mapMigrationSchema } from './chain.document';
export type {
  KfDocument,
  KfDocumentInput,
  ChainDocument,
  ChainDocumentInput,
  MapMigrationDocument,
} from './chain.document';
export {
  desiredKfSchema,
  chainChangeSchema,
  chainRevisedSchema,
  chainClearedSchema,
  chainDeletedSchema,
  chainEventSchema,
} from './chain.events';
export type { DesiredKf, ChainChange, ChainEvent, ChainRevised } from './chain.events';
export {
  chainStates,
  kfCountersSchema,
  chainViewSchema,
  chainHistoryEntrySchema,
  acceptedSchema,
} from './chain.view';
export type { ChainState, KfCounters, ChainView, ChainHistoryEntry, Accepted } from './chain.view';
export {
  configValueSchema,
  valueTypeSchema,
  structFieldSchema,
  mapSchemaSchema,
  constantSchemaSchema,
  programSchemaSchema,
  objectSchemaSchema,
} from './config-value';
export type {
  ConfigValue,
  ValueType,
  StructField,
  MapSchema,
  ConstantSchema,
  ProgramSchema,
  ObjectSchema,
} from './config-value';
export {
  nodeViewSchema,
  packageVersionViewSchema,
  packageViewSchema,
  buildViewSchema,
  projectionStatusSchema,
  configQueries,
} from './config.queries';
export type {
  NodeView,
  PackageVersionView,
  PackageView,
  BuildView,
  ProjectionStatus,
  ConfigQueryName,
  ConfigRequest,
  ConfigReply,
} from './config.queries';
export { deploymentEventSchema } from './deployment.events';
export type { DeploymentEvent } from './deployment.events';
export { rawEventSchema, envelopeSchema, eventSizeBytesMax, objectReferenceSchema } from './envelope';
export type { RawEvent, Envelope, ObjectReference } from './envelope';
export {
  errorCodes,
  describeError,
  L3afError,
  cannot,
  wireErrorSchema,
  toWireError,
  fromWireError,
} from './errors';
export type { ErrorCode, ErrorOptions, WireError } from './errors';
export { l3afEventSchema, parseEvent } from './events';
export type { L3afEvent } from './events';
export { combineTrust, defaultGroup, groupsOf, policyOf } from './groups';
export type { Trusted } from './groups';
export { manifestSchema, manifestJsonSchema } from './manifest';
export type { Manifest, UserspaceProgram } from './manifest';
export {
  hooks,
  hookSchema,
  nodeNameSchema,
  interfaceNameSchema,
  packageNameSchema,
  versionSchema,
  digestSchema,
  instanceNameSchema,
  parsePackageReference,
  xdpVerdicts,
  tcVerdicts,
  verdictsOf,
  defaultProceedOn,
} from './names';
export type { Hook, PackageReference } from './names';
export {
  nodeInterfaceSchema,
  nodeRegisteredSchema,
  nodeChangedSchema,
  nodeEventSchema,
  nodeStatusSchema,
  nodeLabelledSchema,
  policyChangedSchema,
  trustedIdentitySchema,
  trustedRootSchema,
  trustedSignerSchema,
  trustChangedSchema,
} from './node.events';
export type {
  NodeInterface,
  NodeFacts,
  NodeEvent,
  NodeStatus,
  NodeLabelled,
  PolicyChanged,
  TrustedIdentity,
  TrustedRoot,
  TrustedSigner,
  TrustChanged,
} from './node.events';
export {
  countersResetReplySchema,
  explainSecondsMax,
  explanationSchema,
  liveEndSchema,
  liveExplanationSchema,
  nodeRpc,
  rpcReplySchema,
  timingSchema,
} from './node.rpc';
export type {
  CountersReset,
  Explanation,
  LiveEnd,
  LiveExplanation,
  Timing,
  NodeVerb,
  NodeRequest,
  NodeReply,
  RpcReply,
} from './node.rpc';
export {
  packagePublishedSchema,
  packageSignedSchema,
  packageVerifiedSchema,
  verifiedProgramSchema,
  verifiedTestsSchema,
  packageYankedSchema,
  packageEventSchema,
  imageLabels,
} from './package.events';
export type { PackagePublished, PackageEvent, PackageVerified, VerifiedProgram } from './package.events';
export {
  verifiedPredicate,
  verifiedStatementSchema,
  statedVerificationSchema,
  attachmentTypes,
  staticReportSchema,
  userspaceType,
  provenancePredicate,
} from './package.statements';
export type { StatedVerification, StaticReport, VerifiedStatement } from './package.statements';
export {
  packageUseSchema,
  packageDetailsSchema,
  verificationAcceptedSchema,
  yankedSchema,
} from './package.view';
export type { PackageUse, PackageDetails, VerificationAccepted, Yanked } from './package.view';
export {
  attachModes,
  reportedKfSchema,
  applyTimingsSchema,
  chainAppliedSchema,
  chainDetachedSchema,
  chainRejectedSchema,
  chainRolledBackSchema,
  chainDriftedSchema,
  chainBrokenSchema,
  kfUnhealthySchema,
  kfRestartedSchema,
  reportEventSchema,
} from './report.events';
export type { AttachMode, ReportedKf, ApplyTimings, ReportEvent } from './report.events';
export { statusViewSchema, buildAcceptedSchema } from './status.view';
export type { StatusView, BuildAccepted } from './status.view';
export { eventStream, buildConsumer, verifyConsumer, buckets, natsServerMinimum } from './streams';
export {
  chainSubject,
  reportSubject,
  nodeSubject,
  labelsSubject,
  policySubject,
  trustSubject,
  deploymentSubject,
  buildRequestSubject,
  buildSubject,
  packageSubject,
  verifyRequestSubject,
  liveChainSubjects,
  nodeStatusSubject,
  anyBuildProgressSubject,
  anyNodeStatusSubject,
  nodeRpcSubject,
  configRpcSubject,
  buildProgressSubject,
  parseChainSubject,
  chainKeyText,
} from './subjects';
export type { ChainKey } from './subjects';
export { encodeToken, decodeToken } from './tokens';
export { kernelSeries, verificationRequestedSchema } from './verification.events';
export type { VerificationRequested } from './verification.events';
