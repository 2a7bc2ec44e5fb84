import { expect, it } from 'vitest';
import { momentOf, wallClock } from '../../../src/base/wall-clock.ts';

const at = (time: string, zone: string) => wallClock(Date.parse(time), zone);

it.each([
  ['2026-11-28T14:37:59Z', 'Europe/Paris', { date: '2026-11-28', time: '15:37', weekday: 'sat' }],
  ['2026-11-28T23:30:00Z', 'Asia/Kolkata', { date: '2026-11-29', time: '05:00', weekday: 'sun' }],
  ['2026-03-01T02:00:00Z', 'America/Los_Angeles', { date: '2026-02-28', time: '18:00', weekday: 'sat' }],
  // The night in which clocks go forward: 01:59 is followed by 03:00.
  ['2027-03-28T00:59:00Z', 'Europe/Paris', { date: '2027-03-28', time: '01:59', weekday: 'sun' }],
  ['2027-03-28T01:00:00Z', 'Europe/Paris', { date: '2027-03-28', time: '03:00', weekday: 'sun' }],
  // The night in which they go back: 02:30 comes twice.
  ['2026-10-25T00:30:00Z', 'Europe/Paris', { date: '2026-10-25', time: '02:30', weekday: 'sun' }],
  ['2026-10-25T01:30:00Z', 'Europe/Paris', { date: '2026-10-25', time: '02:30', weekday: 'sun' }],
])('%s is shown in %s as clocks there show it', (time, zone, shown) => {
  expect(at(time, zone)).toEqual(shown);
});

it('knows no clock of a zone that is none', () => {
  for (const zone of ['Europe/Atlantis', '', '../etc/localtime', 'x'.repeat(1000)])
    expect(at('2026-11-28T14:37:00Z', zone)).toBeUndefined();
});

it.each([
  ['2027-01-03T00:00[Europe/Paris]', '2027-01-02T23:00:00Z'],
  ['2026-07-01T12:00[UTC]', '2026-07-01T12:00:00Z'],
  // Left out in spring: an hour later. Twice in autumn: the first.
  ['2027-03-28T02:30[Europe/Paris]', '2027-03-28T01:30:00Z'],
  ['2026-10-25T02:30[Europe/Paris]', '2026-10-25T00:30:00Z'],
])('%s is the moment at which a clock there shows that', (text, moment) => {
  expect(momentOf(text)).toBe(Date.parse(moment));
});

it('knows no moment of a text that is none', () => {
  for (const text of ['', '2027-01-03T00:00', '2027-13-03T00:00[Europe/Paris]', '2027-01-03T00:00[Europe/Atlantis]'])
    expect(momentOf(text)).toBeUndefined();
});
