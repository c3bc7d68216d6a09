import { cannot, L3afError } from '@l3af/contracts';

export interface Token {
  text: string;
  /** Position in the expression, from 1. */
  at: number;
}

const pattern = /\s*(&&|\|\||<=|>=|==|[()!<>=]|[^\s()!<>=&|]+|[&|])/y;

/** The words of an expression, read one by one; what does not fit is refused with its position. */
export class MatchTokens {
  private readonly tokens: Token[] = [];
  private next = 0;

  constructor(private readonly text: string) {
    const reader = new RegExp(pattern);
    for (let found = reader.exec(text); found; found = reader.exec(text)) {
      const word = found[1] ?? '';
      this.tokens.push({ text: word, at: reader.lastIndex - word.length + 1 });
    }
  }

  peek(): Token | undefined {
    return this.tokens[this.next];
  }

  /** The next word, which must be there; `wanted` says what it should be. */
  take(wanted: string): Token {
    const token = this.peek();
    if (token === undefined) throw this.refuse(undefined, `needs ${wanted}`);
    this.next++;
    return token;
  }

  /** Takes the next word when it is one of these. */
  takeIf(...words: string[]): Token | undefined {
    const token = this.peek();
    if (token === undefined || !words.includes(token.text)) return undefined;
    this.next++;
    return token;
  }

  /** An error that names the word and where it stands. */
  refuse(token: Token | undefined, state: string): L3afError {
    const at = token?.at ?? this.text.length + 1;
    const where = token === undefined ? 'it ends' : JSON.stringify(token.text);
    const message = cannot('read', 'match', this.text, `${where} at position ${at}: ${state}`);
    return new L3afError('invalid-match', message, { details: { position: at } });
  }
}
