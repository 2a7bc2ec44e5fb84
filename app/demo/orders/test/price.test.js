import assert from 'node:assert/strict';
import { test } from 'node:test';
import { total } from '../src/price.js';

test('an order costs the sum of its lines', () => {
  assert.equal(
    total([
      { cents: 250, pieces: 2 },
      { cents: 99, pieces: 1 },
    ]),
    599,
  );
});

test('ten pieces of one article cost a tenth less', () => {
  assert.equal(total([{ cents: 100, pieces: 10 }]), 900);
});
