import { skipUnless } from './skip';

describe('skipUnless', () => {
  it('is `it` itself where the thing is available', () => {
    expect(skipUnless(true, 'unused')).toBe(it);
  });
});
