/** What a shell offers after a flag or in place of an argument. */
export type Completion = 'file' | 'directory' | readonly string[];

export interface OptionSpec {
  /** Without the dashes. */
  readonly name: string;
  readonly short?: string;
  /** Name of the value in the help; a flag without one is a switch. */
  readonly value?: string;
  readonly isRepeatable?: boolean;
  readonly summary: string;
  readonly completion?: Completion;
}

export interface PositionalSpec {
  /** In capitals in the help. */
  readonly name: string;
  readonly isOptional?: boolean;
  readonly isRepeatable?: boolean;
  readonly completion?: Completion;
}

/** One row of the table from which parsing, help, completion and the reference page are made. */
export interface CommandSpec {
  readonly name: string;
  /** Other spellings, also of several words: `template lint`. */
  readonly aliases?: readonly string[];
  readonly group: 'Write' | 'Run' | 'Watch' | 'Answer' | 'Prove' | 'Shell';
  readonly summary: string;
  /** Paragraphs. */
  readonly details?: readonly string[];
  readonly positionals?: readonly PositionalSpec[];
  readonly options?: readonly OptionSpec[];
  /** Starts or changes runs: refused inside of a step, which may not speak for a person. */
  readonly isActing?: boolean;
  readonly examples: readonly string[];
}
