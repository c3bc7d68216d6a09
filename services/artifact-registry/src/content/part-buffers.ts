/** Memory for parts on their way, used again and again: a buffer left to the garbage collector lies around for long. */
const spare: Buffer<SharedArrayBuffer>[] = [];
const spareMax = 12;

/** A buffer of at least so many bytes, with anything in it; other threads can read it. */
export function takeBuffer(bytes: number): Buffer<SharedArrayBuffer> {
  const index = spare.findIndex(({ length }) => length >= bytes);
  return spare.splice(index, index < 0 ? 0 : 1)[0] ?? Buffer.from(new SharedArrayBuffer(bytes));
}

/** Nobody reads or writes the buffer any more. */
export function giveBuffer(buffer: Buffer<SharedArrayBuffer>): void {
  if (spare.length < spareMax) spare.push(buffer);
}
