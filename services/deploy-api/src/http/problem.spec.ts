import { L3afError } from '@l3af/contracts';
import { ForbiddenException, NotFoundException } from '@nestjs/common';
import { problemOf } from './problem';

const request = { path: '/v1/x', correlationId: 'c-1' };

test('an error of the house, with all that it knows', () => {
  const cause = new Error('line 3', { cause: new Error('bad key') });
  const error = new L3afError('invalid-config', 'Cannot configure', { cause, details: { path: 'config.x' } });
  expect(problemOf(error, request)).toEqual({
    ...{
      type: '/docs#error-invalid-config',
      title: 'invalid config',
      status: 422,
      detail: 'Cannot configure',
    },
    ...{ instance: '/v1/x', code: 'invalid-config', hint: error.hint, causes: ['line 3', 'bad key'] },
    ...{ details: { path: 'config.x' }, correlationId: 'c-1' },
  });
});

test.each([
  [new NotFoundException('Cannot GET /v1/x'), 404, 'unknown-path'],
  [Object.assign(new Error('request entity too large'), { status: 413 }), 413, 'payload-too-large'],
  [Object.assign(new Error('unsupported charset'), { status: 415 }), 400, 'invalid-request'],
  [new ForbiddenException(), 500, 'internal'],
])('%s becomes %i %s', (error, status, code) => {
  expect(problemOf(error, request)).toMatchObject({ status, code });
});

test('a defect tells nothing of the inside', () => {
  const problem = problemOf(new Error('password=hunter2', { cause: new Error('at db:5432') }), request);
  expect(problem).toMatchObject({ status: 500, code: 'internal', correlationId: 'c-1' });
  expect(JSON.stringify(problem)).not.toMatch(/hunter2|5432/);
});
