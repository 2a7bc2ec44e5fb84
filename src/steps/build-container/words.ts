import { atLine } from './containerfile.ts';

const NAME = /^[A-Za-z_]\w*/;
const BRACED = /^\{([A-Za-z_]\w*)(?::([-+])([^{}$]*))?\}/;
/** Longer texts are no settings of an image. */
const EXPANDED_LENGTH_MAX = 65_536;

export interface WordRules {
  readonly variables: ReadonlyMap<string, string>;
  readonly escape: string;
  readonly line: number;
  /** Told how long each word is; throws where all of them are too long together. */
  readonly spend: (chars: number) => void;
}

/**
 * Words of an instruction: quotes taken off, variables put in.
 *
 * As Docker does it: in single quotes nothing is special, `${NAME:-default}` and `${NAME:+instead}` are known, and a variable
 * that nobody has set is empty.
 * @throws MaestroError INPUT_INVALID
 */
export function splitWords(text: string, rules: WordRules): readonly string[] {
  const reader = new WordReader(text, rules);
  const words: string[] = [];
  for (let word = reader.next(); word !== undefined; word = reader.next()) words.push(word);
  return words;
}

/** The whole text as one word: what a legacy `ENV NAME some text` gives to its variable. */
export function expandText(text: string, rules: WordRules): string {
  return new WordReader(text, rules).rest();
}

class WordReader {
  readonly #text: string;
  readonly #rules: WordRules;
  #at = 0;
  #quote: string | undefined;

  constructor(text: string, rules: WordRules) {
    this.#text = text;
    this.#rules = rules;
  }

  next(): string | undefined {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
    return this.#at >= this.#text.length ? undefined : this.#read(true);
  }

  rest(): string {
    return this.#read(false);
  }

  #read(endsAtSpace: boolean): string {
    let word = '';
    this.#quote = undefined;
    for (let char = this.#text[this.#at]; char !== undefined; char = this.#text[this.#at]) {
      if (endsAtSpace && this.#quote === undefined && /\s/.test(char)) break;
      this.#at++;
      word += this.#take(char);
      if (word.length > EXPANDED_LENGTH_MAX) throw atLine(this.#rules.line, 'expected a shorter text');
    }
    if (this.#quote !== undefined) throw atLine(this.#rules.line, 'expected the quote to be closed');
    this.#rules.spend(word.length);
    return word;
  }

  /** What one character, and those that belong to it, add to the word. */
  #take(char: string): string {
    if (char === this.#quote) {
      this.#quote = undefined;
      return '';
    }
    if (this.#quote === "'") return char;
    if (this.#quote === undefined && (char === '"' || char === "'")) {
      this.#quote = char;
      return '';
    }
    if (char === this.#rules.escape) return this.#escaped();
    return char === '$' ? this.#variable() : char;
  }

  /** In double quotes only what would otherwise be special is quoted. */
  #escaped(): string {
    const { escape } = this.#rules;
    const char = this.#text[this.#at] ?? '';
    this.#at++;
    return this.#quote === undefined || ['"', '$', escape].includes(char) ? char : escape + char;
  }

  #variable(): string {
    const rest = this.#text.slice(this.#at, this.#at + EXPANDED_LENGTH_MAX);
    const bare = NAME.exec(rest)?.[0];
    if (bare !== undefined) {
      this.#at += bare.length;
      return this.#rules.variables.get(bare) ?? '';
    }
    const braced = BRACED.exec(rest);
    if (braced) {
      const [whole, name = '', operator, alternative = ''] = braced;
      this.#at += whole.length;
      return valueOf(this.#rules.variables.get(name) ?? '', operator, alternative);
    }
    if (rest.startsWith('{')) throw atLine(this.#rules.line, 'expected ${NAME}, ${NAME:-default} or ${NAME:+instead}');
    return '$';
  }
}

function valueOf(value: string, operator: string | undefined, alternative: string): string {
  const isEmpty = value === '';
  if (operator === '-') return isEmpty ? alternative : value;
  if (operator === '+') return isEmpty ? '' : alternative;
  return value;
}
