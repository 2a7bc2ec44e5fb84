import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { type ReceiptStatement, STATEMENT_TYPE, SUBJECTS_MAX, type Subject } from './receipt.ts';
import { RECEIPT_PREDICATE_SCHEMA, RECEIPT_PREDICATE_TYPE, SCHEMA_VERSION } from './receipt-schema.ts';
import { RECEIPT_SCHEMA_1 } from './receipt-schema-1.ts';
import { compileSchema } from './schema-fault.ts';
import { demand } from './verification-error.ts';

/** A value as the statement of a receipt, whose predicate has exactly the fields of the version that it names. */
export function readStatement(value: Json): ReceiptStatement {
  const statement = readTypedStatement(value, RECEIPT_PREDICATE_TYPE);
  checkSchema(statement['predicate']);
  return statement as unknown as ReceiptStatement;
}

/** A value as a statement of a predicate type, whose predicate nobody has looked at yet. */
export function readTypedStatement(value: Json, predicateType: string): JsonObject {
  demand(isJsonObject(value), 'STATEMENT_MALFORMED', 'expected the payload to be an object');
  const fields = Object.keys(value).join();
  demand(
    fields === '_type,predicate,predicateType,subject' && value['_type'] === STATEMENT_TYPE,
    'STATEMENT_MALFORMED',
    'expected an in-toto Statement v1 with its four fields and no other',
  );
  demand(value['predicateType'] === predicateType, 'PREDICATE_TYPE_WRONG', `expected a ${predicateType}`);
  checkSubjectForm(value['subject']);
  return value;
}

const SUBJECT_NAME = /^[!-~]+$/;
const SHA256 = /^[0-9a-f]{64}$/;

function checkSubjectForm(subjects: Json | undefined): void {
  demand(Array.isArray(subjects) && subjects.length > 0, 'SUBJECT_INVALID', 'expected a list of subjects');
  demand(subjects.length <= SUBJECTS_MAX, 'TOO_LARGE', `expected at most ${SUBJECTS_MAX} subjects`);
  const names = new Set<string>();
  for (const subject of subjects as readonly Json[]) {
    demand(
      isSubject(subject),
      'SUBJECT_INVALID',
      'expected subjects of a printable ASCII name and a lower-case sha256',
    );
    demand(!names.has(subject.name), 'SUBJECT_DUPLICATE', () => `subject ${subject.name} twice`);
    names.add(subject.name);
  }
}

function isSubject(value: Json): value is Json & Subject & JsonObject {
  if (!isJsonObject(value) || Object.keys(value).join() !== 'digest,name') return false;
  const { name, digest } = value;
  if (typeof name !== 'string' || !SUBJECT_NAME.test(name)) return false;
  if (!isJsonObject(digest) || Object.keys(digest).join() !== 'sha256') return false;
  return typeof digest.sha256 === 'string' && SHA256.test(digest.sha256);
}

const FAULT_FINDERS = new Map<Json | undefined, ReturnType<typeof compileSchema>>([
  ['1', compileSchema(RECEIPT_SCHEMA_1)],
  [SCHEMA_VERSION, compileSchema(RECEIPT_PREDICATE_SCHEMA)],
]);

function checkSchema(predicate: Json | undefined): void {
  const version = isJsonObject(predicate) ? predicate['schemaVersion'] : undefined;
  const findFault = FAULT_FINDERS.get(version);
  demand(
    isJsonObject(predicate) && findFault !== undefined,
    'SCHEMA_INVALID',
    `expected a run receipt of version 1 or ${SCHEMA_VERSION}`,
  );
  const fault = findFault(predicate);
  demand(fault === undefined, 'SCHEMA_INVALID', `the predicate is not a run receipt: ${fault}`);
}
