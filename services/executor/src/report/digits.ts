/** A measured number with as many digits as mean something: three. */
export const threeDigits = (value: number): number => Number(value.toPrecision(3));
