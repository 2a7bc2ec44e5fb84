import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { secretForms } from '../../../src/base/secret-forms.ts';
import { MASKS_MAX, Masker, MaskStream } from '../../../src/worker/mask.ts';

function maskChunks(masker: Masker, bytes: Buffer, cuts: readonly number[]): string {
  const stream = new MaskStream(masker);
  const out: Buffer[] = [];
  let at = 0;
  for (const cut of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    out.push(stream.write(bytes.subarray(at, cut)));
    at = cut;
  }
  out.push(stream.end());
  return Buffer.concat(out).toString('utf8');
}

/** Secrets as people have them: no stars, which are the mask itself. */
const secret = fc
  .string({ minLength: 8, maxLength: 40, unit: 'grapheme' })
  .filter((text) => !text.includes('*') && text.trim().length >= 8 && text.isWellFormed());
const cuts = fc.array(fc.nat(2000), { maxLength: 30 });

const ENCODINGS: Record<string, (text: string) => string> = {
  plain: (text) => text,
  'base64 alone': (text) => Buffer.from(text).toString('base64'),
  'base64 after one byte': (text) => Buffer.from(`a${text}bcd`).toString('base64'),
  'base64 after two bytes': (text) => Buffer.from(`ab${text}bcd`).toString('base64'),
  base64url: (text) => Buffer.from(`ab${text}bcd`).toString('base64url'),
  HTML: (text) =>
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;'),
  'URL-encoded': encodeURIComponent,
  form: (text) => new URLSearchParams({ q: text }).toString().slice(2),
  JSON: (text) => JSON.stringify(text).slice(1, -1),
  hexadecimal: (text) => Buffer.from(text).toString('hex'),
};

/** The characters of an encoding that the secret alone decides. */
function core(name: string, text: string): string {
  if (name.startsWith('base64 after') || name === 'base64url')
    return (ENCODINGS[name] as (text: string) => string)(text).slice(4, -6);
  return (ENCODINGS[name] as (text: string) => string)(text);
}

describe('masking', () => {
  it.each(Object.keys(ENCODINGS).filter((name) => name !== 'form'))(
    'lets no secret through in the form %s, however the stream is cut',
    (name) => {
      fc.assert(
        fc.property(secret, fc.string(), fc.string(), cuts, (value, before, after, where) => {
          const text = `${before}${(ENCODINGS[name] as (text: string) => string)(value)}${after}`;
          const masked = maskChunks(new Masker([value]), Buffer.from(text), where);
          expect(masked).toContain('***');
          expect(masked.includes(core(name, value)) && !before.includes(core(name, value))).toBe(false);
        }),
      );
    },
  );

  it('lets none of several overlapping secrets through', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 3, maxLength: 8 });
    fc.assert(
      fc.property(
        fc.array(letters, { minLength: 1, maxLength: 4 }),
        fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 60 }),
        cuts,
        (values, text, where) => {
          const masked = maskChunks(new Masker(values), Buffer.from(text), where);
          for (const value of values) expect(masked).not.toContain(value);
        },
      ),
    );
  });

  it('gives the same text however the stream is cut', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(letters, { maxLength: 4 }),
        fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'é'), maxLength: 60 }),
        cuts,
        (values, text, where) => {
          const masker = new Masker(values);
          expect(maskChunks(masker, Buffer.from(text), where)).toBe(masker.maskText(text));
        },
      ),
    );
  });

  it('masks exactly the characters of the secrets', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('x', 'y', ' '), maxLength: 50 }),
        fc.string({ unit: fc.constantFrom('x', 'y', ' '), maxLength: 50 }),
        cuts,
        (before, after, where) => {
          expect(maskChunks(new Masker(['s3cret-value']), Buffer.from(`${before}s3cret-value${after}`), where)).toBe(
            `${before}***${after}`,
          );
        },
      ),
    );
  });

  it('leaves bytes without secrets as they are, also those that are not UTF-8', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), cuts, (bytes, where) => {
        const stream = new MaskStream(new Masker(['a secret that random bytes do not hold']));
        const buffer = Buffer.from(bytes);
        const middle = (where[0] ?? 0) % (buffer.length + 1);
        const out = Buffer.concat([
          stream.write(buffer.subarray(0, middle)),
          stream.write(buffer.subarray(middle)),
          stream.end(),
        ]);
        expect(out.equals(buffer)).toBe(true);
      }),
    );
  });

  it('masks a secret of several lines line by line, so that an indented or cut key stays hidden', () => {
    const key = '-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQ\n-----END KEY-----';
    const masked = new Masker([key]).maskText(`key:\n    MIIEvQIBADANBgkqhkiG9w0BAQ\n    EFAASCBKcwggSjAgEAAoIBAQ\n`);
    expect(masked).toBe('key:\n    ***\n    ***\n');
  });

  it('masks base64 that the base64 program broke into lines', () => {
    const value = 'k'.repeat(30) + 'q7'.repeat(60);
    const wrapped = (
      Buffer.from(`${value}\n`)
        .toString('base64')
        .match(/.{1,76}/g) ?? []
    ).join('\n');
    expect(new Masker([value]).maskText(wrapped)).toBe('***\n***\n***');
  });

  it('masks a value that is added while its beginning is held back', () => {
    const masker = new Masker(['abcdef']);
    const stream = new MaskStream(masker);
    const first = stream.write(Buffer.from('.abc'));
    masker.add('abcxyz');
    expect(Buffer.concat([first, stream.write(Buffer.from('xyz.')), stream.end()]).toString()).toBe('.***.');
  });

  it('does not mask fragments of a short secret that would hit innocent text', () => {
    expect(secretForms('abc').every((form) => form.length >= 3)).toBe(true);
    expect(new Masker(['{\n"token": "0123456789"\n}']).maskText('{ }')).toBe('{ }');
  });

  it('masks texts, keys and numbers of a JSON value and says so', () => {
    const masker = new Masker(['s3cret-value', '12345678']);
    expect(masker.maskJson({ a: ['x s3cret-value'], 's3cret-value': 12345678, b: 1 })).toEqual({
      value: { a: ['x ***'], '***': '***', b: 1 },
      isMasked: true,
    });
    expect(masker.maskJson({ a: 1, b: null, c: 'text' })).toEqual({
      value: { a: 1, b: null, c: 'text' },
      isMasked: false,
    });
  });

  it.each(['e', 'abc', '', '  \n', ' ab '])('ignores the added value %j, which would hit innocent text', (value) => {
    const masker = new Masker(['s3cret-value']);
    expect(masker.add(value)).toBe('too short');
    expect(masker.maskText('  there are abc \n')).toBe('  there are abc \n');
  });

  it.each([
    ['x', 'x y z'],
    ['ab', 'ab c'],
    [' a ', ' a '],
  ])('does not mask the declared secret %j, which would tell what it is', (value, text) => {
    expect(new Masker([value]).maskText(text)).toBe(text);
  });

  it('masks a declared secret of three bytes as it is, and in no other form', () => {
    expect(new Masker(['p1n']).maskText(`p1n ${Buffer.from('p1n').toString('base64')}`)).toBe('*** cDFu');
  });

  it('does not take the blanks of a secret for the secret', () => {
    expect(new Masker(['first-line\n        \nlast-line']).maskText('        x')).toBe('        x');
  });

  it.each([
    ['&quot;', '&#39;'],
    ['&#34;', '&#39;'],
    ['&quot;', '&apos;'],
    ['&quot;', '&#x27;'],
    ['"', "'"],
    ['&quot;', "'"],
  ])('masks a secret that is escaped for HTML or XML with %s and %s', (double, single) => {
    const masker = new Masker([`p<a>s&s"w'd`]);
    const escaped = `p&lt;a&gt;s&amp;s${double}w${single}d`;
    expect(masker.maskText(`<b>${escaped}</b>`)).toBe('<b>***</b>');
    expect(masker.maskText(escaped.replaceAll('&gt;', '>'))).toBe('***');
  });

  it('leaves keys and numbers of a JSON value alone where the step itself added a mask', () => {
    const masker = new Masker(['s3cret-value']);
    masker.add('name');
    masker.add('2026');
    expect(masker.maskJson({ name: 'my name', year: 2026, 's3cret-value': 1 }).value).toEqual({
      name: 'my ***',
      year: 2026,
      '***': 1,
    });
    expect(masker.secrets.maskText('name s3cret-value')).toBe('name ***');
  });

  it('refuses more values than its limit instead of growing for ever', () => {
    const masker = new Masker();
    const answers = Array.from({ length: MASKS_MAX + 1 }, (_, i) => masker.add(`value-number-${i}`));
    expect(answers.filter((answer) => answer === 'too many')).toHaveLength(1);
  });

  it('takes time in proportion to the input, also for needles that nearly match everywhere', () => {
    const masker = new Masker([`${'a'.repeat(500)}b`, `${'ab'.repeat(200)}c`]);
    const timeOf = (bytes: number): number => {
      const stream = new MaskStream(masker);
      const chunk = Buffer.alloc(65_536, 'a');
      const startedAt = performance.now();
      for (let i = 0; i < bytes / chunk.length; i++) stream.write(chunk);
      return performance.now() - startedAt;
    };
    timeOf(1 << 20);
    expect(timeOf(8 << 20)).toBeLessThan(3000);
  });
});
