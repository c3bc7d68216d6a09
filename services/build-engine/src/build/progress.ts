import type { BuildProgress } from '@l3af/contracts';

export type Step = BuildProgress['step'];

/** Lines of a build: kept for its log, and told to whoever watches. */
export class Progress {
  readonly #lines: string[] = [];
  #sizeBytes = 0;

  constructor(
    private readonly build: string,
    private readonly tell: (progress: BuildProgress) => void,
  ) {}

  say(step: Step, message: string, target?: string): void {
    const at = new Date().toISOString();
    this.#keep(`${at} ${step}${target === undefined ? '' : ` ${target}`}: ${message}`);
    this.tell({
      build: this.build,
      at,
      step,
      ...(target !== undefined && { target }),
      message: message.slice(0, 4_000),
    });
  }

  /** What a program said, as it said it; for the log alone. */
  quote(text: string): void {
    if (text.trim() !== '') this.#keep(text.trimEnd());
  }

  #keep(text: string): void {
    if (this.#sizeBytes > logBytesMax) return;
    this.#sizeBytes += text.length;
    this.#lines.push(this.#sizeBytes > logBytesMax ? '… the log is cut off here' : text);
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}

const logBytesMax = 4 * 1024 * 1024;
