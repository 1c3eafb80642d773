import { describe, expect, it } from 'vitest';
import { chooseImage, type Descriptor, type ImageChoice, isFor } from '../../src/payload/image-manifest.ts';

const refName = 'org.opencontainers.image.ref.name';

function image(name?: string, platform?: string): Descriptor {
  const [os = '', architecture = '', variant] = platform?.split('/') ?? [];
  return {
    digest: `${name}@${platform}`,
    ...(platform === undefined ? {} : { platform: { os, architecture, ...(variant && { variant }) } }),
    ...(name === undefined ? {} : { annotations: { [refName]: name } }),
  };
}

describe('chooseImage', () => {
  const attestation = image(undefined, 'unknown/unknown');

  it.each<[string, Descriptor[], Partial<ImageChoice>, string]>([
    ['the only one', [image()], {}, 'undefined@undefined'],
    ['the only one besides attestations', [image('a', 'linux/arm64'), attestation], {}, 'a@linux/arm64'],
    ['one by its name', [image('a'), image('b')], { reference: 'b' }, 'b@undefined'],
    ['one by its digest', [image('a'), image('b')], { reference: 'b@undefined' }, 'b@undefined'],
    ["this machine's platform", [image('a', 'linux/arm64'), image('a', 'linux/amd64')], {}, 'a@linux/amd64'],
    [
      'the platform that was asked for',
      [image('a', 'linux/arm64'), image('a', 'linux/amd64')],
      { platform: 'linux/arm64' },
      'a@linux/arm64',
    ],
    [
      'a variant',
      [image('a', 'linux/arm/v6'), image('a', 'linux/arm/v7')],
      { platform: 'linux/arm/v7' },
      'a@linux/arm/v7',
    ],
    ['none: two names', [image('a'), image('b')], {}, 'has 2 images, a, b: choose one as FILE:NAME'],
    ['none: another name', [image('a')], { reference: 'b' }, 'has no image b; it has a'],
    [
      'none: another platform',
      [image('a', 'linux/arm64')],
      { platform: 'linux/riscv64' },
      'has no image for linux/riscv64; it has linux/arm64',
    ],
    [
      'none: two variants',
      [image('a', 'linux/arm/v6'), image('a', 'linux/arm/v7')],
      { platform: 'linux/arm' },
      'has images for linux/arm/v6, linux/arm/v7: choose with --platform',
    ],
    [
      'none of many',
      'abcdefg'.split('').map((name) => image(name)),
      {},
      'has 7 images, a, b, c, d, e and 2 more: choose one as FILE:NAME',
    ],
  ])('chooses %s', (_, images, choice, expected) => {
    const chosen = chooseImage(images, { ownPlatform: 'linux/amd64', ...choice });
    expect('no' in chosen ? chosen.no : chosen.digest).toBe(expected);
  });
});

describe('isFor', () => {
  it.each([
    ['linux', 'arm', 'v7', 'linux/arm', true],
    ['linux', 'arm', 'v7', 'linux/arm/v7', true],
    ['linux', 'arm', 'v7', 'linux/arm/v6', false],
    ['linux', 'arm', undefined, 'linux/arm/v7', false],
    ['linux', 'arm64', undefined, 'linux/arm', false],
  ])('%s, %s, %s for %s: %s', (os, architecture, variant, wanted, expected) => {
    expect(isFor({ os, architecture, variant }, wanted)).toBe(expected);
  });
});
