/** Keeps the beginning and the end of what would be too long: errors come first, or last. */
export class HeadAndTail {
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  #tail = Buffer.alloc(0);
  #dropped = 0;

  constructor(private readonly bytesMax: number) {}

  push(chunk: Buffer): void {
    const room = Math.floor(this.bytesMax / 2) - this.#headBytes;
    const head = chunk.subarray(0, Math.max(0, room));
    if (head.length > 0) this.#head.push(head);
    this.#headBytes += head.length;
    this.#append(chunk.subarray(head.length));
  }

  #append(chunk: Buffer): void {
    const tailMax = Math.ceil(this.bytesMax / 2);
    const joined = Buffer.concat([this.#tail, chunk]);
    this.#tail = joined.subarray(Math.max(0, joined.length - tailMax));
    this.#dropped += joined.length - this.#tail.length;
  }

  text(): string {
    const cut = this.#dropped === 0 ? '' : `\n… ${this.#dropped} bytes are left out here …\n`;
    return `${Buffer.concat(this.#head).toString('utf8')}${cut}${this.#tail.toString('utf8')}`;
  }
}
