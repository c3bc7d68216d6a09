import * as fc from 'fast-check';
import catalogue from './errors.json';
import {
  buildRequestSubject,
  cannot,
  chainSubject,
  decodeToken,
  encodeToken,
  errorCodes,
  fromWireError,
  hooks,
  L3afError,
  nodeRpcSubject,
  nodeStatusSubject,
  packageSubject,
  parseChainSubject,
  reportSubject,
  toWireError,
  wireErrorSchema,
} from './index';

const anyName = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' });

describe('tokens', () => {
  test.each([
    ['eth0.100', 'eth0%2E100'],
    ['acme/firewall', 'acme%2Ffirewall'],
    ['plain_name-1', 'plain_name-1'],
    ['100%', '100%25'],
    ['größe', 'gr%C3%B6%C3%9Fe'],
    ['*', '%2A'],
    ['>', '%3E'],
  ])('encodeToken(%j) is %j', (name, token) => {
    expect(encodeToken(name)).toBe(token);
    expect(decodeToken(token)).toBe(name);
  });

  test('any name comes back, and its token is one of a subject and of a bpffs path', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const token = encodeToken(name);
        expect(token).toMatch(/^[A-Za-z0-9_%-]+$/);
        expect(decodeToken(token)).toBe(name);
      }),
    );
  });

  test('different names have different tokens', () => {
    fc.assert(
      fc.property(anyName, anyName, (a, b) => {
        fc.pre(a !== b);
        expect(encodeToken(a)).not.toBe(encodeToken(b));
      }),
    );
  });
});

describe('subjects', () => {
  test('a chain key comes back from its chain, report and live subject', () => {
    fc.assert(
      fc.property(anyName, anyName, fc.constantFrom(...hooks), (node, interfaceName, hook) => {
        const key = { node, interface: interfaceName, hook };
        expect(parseChainSubject(chainSubject(key))).toEqual(key);
        expect(parseChainSubject(reportSubject(key))).toEqual(key);
        expect(parseChainSubject(chainSubject(key).replace('.evt.', '.live.'))).toEqual(key);
        expect(chainSubject(key).split('.')).toHaveLength(6);
      }),
    );
  });

  test.each([
    'l3af.evt.node.demo-1',
    'l3af.evt.chain.a.b',
    'l3af.evt.chain.a.b.socket',
    'l3af.evt.chain.a.b.xdp.c',
    '',
  ])('parseChainSubject(%j) is undefined', (subject) => {
    expect(parseChainSubject(subject)).toBeUndefined();
  });

  test('are as the design says', () => {
    expect(chainSubject({ node: 'demo-1', interface: 'eth0.100', hook: 'tc-ingress' })).toBe(
      'l3af.evt.chain.demo-1.eth0%2E100.tc-ingress',
    );
    expect(packageSubject('acme/firewall')).toBe('l3af.evt.package.acme%2Ffirewall');
    expect(buildRequestSubject('b1')).toBe('l3af.evt.build-request.b1');
    expect(nodeStatusSubject('a.b')).toBe('l3af.node.a%2Eb.status');
    expect(nodeRpcSubject('a.b', 'chains')).toBe('l3af.rpc.node.a%2Eb.chains');
  });
});

describe('errors', () => {
  test.each(errorCodes)('%s has a status for HTTP and gRPC and says what to do', (code) => {
    const { http, grpc, hint } = catalogue[code];
    expect(http).toBeGreaterThanOrEqual(400);
    expect(http).toBeLessThan(600);
    expect(grpc).toMatch(/^[A-Z_]+$/);
    expect(hint).toMatch(/^\S.*[^.\s]$/);
  });

  test('travel with code, message, hint, details and causes', () => {
    const cause = new Error('the middle', { cause: new Error('the bottom') });
    const details = { kf: 'firewall' };
    const error = new L3afError('verifier-refused', cannot('load', 'KF', 'firewall', 'refused'), {
      cause,
      details,
    });
    const wire = wireErrorSchema.parse(JSON.parse(JSON.stringify(toWireError(error))));
    expect(wire).toMatchObject({ causes: ['the middle', 'the bottom'], details });
    const back = fromWireError(wire);
    expect(back).toMatchObject({
      code: 'verifier-refused',
      message: 'Cannot load KF "firewall": refused',
      details,
    });
    expect(toWireError(back)).toEqual(wire);
  });

  test('what is not ours becomes internal; a code of a newer version too', () => {
    expect(toWireError(new TypeError('x is undefined'))).toMatchObject({
      code: 'internal',
      message: 'x is undefined',
    });
    expect(toWireError('text')).toMatchObject({ code: 'internal', message: 'text' });
    expect(wireErrorSchema.parse({ code: 'not-invented-yet', message: 'm' }).code).toBe('internal');
  });
});
