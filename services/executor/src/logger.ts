import type { createLogger } from '@l3af/telemetry';

export type Logger = ReturnType<typeof createLogger>;
