import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missing } from '../src/stock.js';

test('names what is missing, and only that', () => {
  assert.deepEqual(
    missing(
      [
        { article: 'nut', pieces: 3 },
        { article: 'bolt', pieces: 9 },
      ],
      { nut: 3, bolt: 8 },
    ),
    ['bolt'],
  );
});
