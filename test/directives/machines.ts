import { long, type Row } from './row.ts';

/** What a job asks of machines and of the network. */
export const machines = {
  time: {
    good: [
      ['90', { walltimeMs: 90_000 }],
      ['01:30:00', { walltimeMs: 5_400_000 }],
      ['1-00:00:00', { walltimeMs: 86_400_000 }],
      ['2h30m', { walltimeMs: 9_000_000 }],
      ['366d', { walltimeMs: 366 * 86_400_000 }],
    ],
    bad: [
      ['', '1:6: `time`: needs TIME'],
      ['0', '1:11: `time`: wants 1s to 366d, not `0`'],
      ['367d', '1:11: `time`: wants 1s to 366d, not `367d`'],
      ['01:30', '1:11: `time`: `01:30` may be minutes or hours; write 00:01:30 or 01:30:00'],
      ['soon', '1:11: `time`: wants a time, such as 90, 2h30m, 01:30:00 or 1-00:00:00, not `soon`'],
      ['2h 30m', '1:14: `time`: takes one value; `30m` is one too many'],
    ],
  },
  nodes: {
    good: [
      ['1', {}],
      ['3', { nodes: 3 }],
      ['1024', { nodes: 1024 }],
    ],
    bad: [
      ['', '1:6: `nodes`: needs N'],
      ['0', '1:12: `nodes`: wants a whole number from 1 to 1024, not `0`'],
      ['1025', '1:12: `nodes`: wants a whole number from 1 to 1024, not `1025`'],
      ['three', '1:12: `nodes`: wants a whole number from 1 to 1024, not `three`'],
      [
        '3 # three',
        '1:14: `nodes`: a comment cannot follow a directive; quote a `#` that belongs to it',
      ],
      ['"3', '1:12: `nodes`: this " has no closing "'],
    ],
  },
  cpus: {
    good: [['16', { cpus: 16 }]],
    bad: [
      ['0', '1:11: `cpus`: wants a whole number from 1 to 4096, not `0`'],
      [
        '9'.repeat(50),
        `1:11: \`cpus\`: wants a whole number from 1 to 4096, not \`${'9'.repeat(40)}…\``,
      ],
    ],
  },
  memory: {
    good: [
      ['512M', { memoryBytes: 512 * 2 ** 20 }],
      ['2g', { memoryBytes: 2 ** 31 }],
      ['1.5GiB', { memoryBytes: 1.5 * 2 ** 30 }],
      ['2GB', { memoryBytes: 2e9 }],
      ['1048576', { memoryBytes: 2 ** 20 }],
      ['1P', { memoryBytes: 2 ** 50 }],
    ],
    bad: [
      ['512', '1:13: `memory`: wants 1M to 1P, not `512`'],
      ['2P', '1:13: `memory`: wants 1M to 1P, not `2P`'],
      ['lots', '1:13: `memory`: wants bytes, such as 512M, 2G or 1.5GiB, not `lots`'],
      ['-1G', '1:13: `memory`: wants bytes, such as 512M, 2G or 1.5GiB, not `-1G`'],
      ['2 GB', '1:15: `memory`: takes one value; `GB` is one too many'],
    ],
  },
  gpus: {
    good: [
      ['0', {}],
      ['4', { gpus: 4 }],
      ['', {}],
      ['a100:4', { gpus: 4, gpuKind: 'a100' }],
    ],
    bad: [
      ['-1', '1:11: `gpus`: wants a whole number from 0 to 256, not `-1`'],
      ['a100:0', '1:16: `gpus`: wants a whole number from 1 to 256, not `0`'],
      ['a100:257', '1:16: `gpus`: wants a whole number from 1 to 256, not `257`'],
      [':2', '1:11: `gpus`: `` is no kind of gpu: letters, digits and ._- make one'],
      ['a100 4', '1:16: `gpus`: takes one value; `4` is one too many'],
    ],
  },
  resource: {
    good: [
      ['licence-x 4', { countables: { 'licence-x': 4 } }],
      ['scratch\n#SWM resource tape 2', { countables: { scratch: 1, tape: 2 } }],
    ],
    bad: [
      ['', '1:6: `resource`: needs NAME [N]'],
      ['a/b', '1:15: `resource`: `a/b` is no name of a resource: letters, digits and ._- make one'],
      ['tape 0', '1:20: `resource`: wants a whole number from 1 to 1000000, not `0`'],
      ['tape 1 2', '1:22: `resource`: takes a name and a number; `2` is one too many'],
      ['tape\n#SWM resource tape 2', '2:15: `resource`: `tape` was given already, at job.sh:1:15'],
    ],
  },
  constraint: {
    good: [['fast-disk ib\n#SWM constraint big', { constraint: ['fast-disk', 'ib', 'big'] }]],
    bad: [
      ['', '1:6: `constraint`: needs LABEL…'],
      ['ib ib', '1:20: `constraint`: `ib` was given already, at job.sh:1:17'],
    ],
  },
  exclusive: {
    good: [['', { exclusive: true }]],
    bad: [['yes', '1:16: `exclusive`: takes no value, but has `yes`']],
  },
  flavor: {
    good: [
      ['Standard_NC6s_v3', { flavor: 'Standard_NC6s_v3' }],
      ['', {}],
    ],
    bad: [[long(257), '1:13: `flavor`: has 257 characters; at most 256 may be']],
  },
  'cloud-image': {
    good: [
      ['ubuntu-hpc/2404', { cloudImage: 'ubuntu-hpc/2404' }],
      ['Ubuntu 24.04 LTS', { cloudImage: 'Ubuntu 24.04 LTS' }],
      ['', {}],
    ],
    bad: [['a\u0001', '1:19: `cloud-image`: has `\\u{01}`, which cannot be printed']],
  },
  'container-image': {
    good: [
      ['ubuntu:24.04', { containerImage: 'ubuntu:24.04' }],
      ['10.0.0.1:6006/a_b/c@sha256:0f', { containerImage: '10.0.0.1:6006/a_b/c@sha256:0f' }],
    ],
    bad: [
      ['', '1:6: `container-image`: needs IMAGE'],
      [long(1025), '1:22: `container-image`: has 1025 characters; at most 1024 may be'],
      [
        'a;b',
        '1:23: `container-image`: `;` cannot be part of it: letters, digits and ./:@_-+ make it',
      ],
    ],
  },
  'container-login': {
    good: [['registry.key-2', { containerLogin: 'registry.key-2' }]],
    bad: [
      ['', '1:6: `container-login`: needs SECRET'],
      [long(65), '1:22: `container-login`: has 65 characters; at most 64 may be'],
      [
        'ann:secret',
        '1:25: `container-login`: `:` cannot be part of it: letters, digits and ._- make it',
      ],
    ],
  },
  storage: {
    good: [
      ['swmblobcontainer', { storage: ['swmblobcontainer'] }],
      ["a 'b c'\n#SWM storage d", { storage: ['a', 'b c', 'd'] }],
      ['', {}],
    ],
    bad: [
      ['a a', '1:16: `storage`: `a` was given already, at job.sh:1:14'],
      [long(257), '1:14: `storage`: has 257 characters; at most 256 may be'],
      ["''", '1:14: `storage`: a name is missing between these quotes'],
      [
        Array.from({ length: 17 }, (_, i) => String.fromCharCode(97 + i)).join(' '),
        '1:46: `storage`: there are more than 16 names',
      ],
    ],
  },
  ports: {
    good: [
      [
        '8888/tcp/in,8081/tcp/out',
        {
          ports: [
            { port: 8888, protocol: 'tcp', direction: 'in' },
            { port: 8081, protocol: 'tcp', direction: 'out' },
          ],
        },
      ],
      ['8888', { ports: [{ port: 8888, protocol: 'tcp', direction: 'in' }] }],
      ['1234/tcp', { ports: [{ port: 1234, protocol: 'tcp', direction: 'in' }] }],
      [
        '1/out , 65535/in',
        {
          ports: [
            { port: 1, protocol: 'tcp', direction: 'out' },
            { port: 65535, protocol: 'tcp', direction: 'in' },
          ],
        },
      ],
    ],
    bad: [
      ['', '1:6: `ports`: needs PORT[/tcp][/in|/out],…'],
      ['0', '1:12: `ports`: wants a port from 1 to 65535, not `0`'],
      ['80,65536', '1:15: `ports`: wants a port from 1 to 65535, not `65536`'],
      ['80, x/tcp', '1:16: `ports`: wants a port from 1 to 65535, not `x`'],
      ['80,', '1:14: `ports`: a port is missing, such as 8888 or 8081/tcp/out'],
      ['53/udp/in', '1:15: `ports`: udp is not forwarded; a port is tcp'],
      ['53/tpc/in', '1:15: `ports`: wants tcp, not `tpc`; did you mean `tcp`?'],
      ['53/tcp/inn', '1:19: `ports`: wants in or out, not `inn`; did you mean `in`?'],
      ['53/otu', '1:15: `ports`: wants tcp or in or out, not `otu`; did you mean `out`?'],
      ['53/tcp/in/x', '1:21: `ports`: a port ends after its direction, as in 53/tcp/in'],
      ['80/tcp/in,80/tcp/out', '1:22: `ports`: port 80 is listed twice'],
    ],
  },
  'submission-address': {
    good: [
      ['hub.example.org', { submissionAddress: 'hub.example.org' }],
      ['[fe80::1%eth0]', { submissionAddress: '[fe80::1%eth0]' }],
      ['', {}],
    ],
    bad: [
      [
        'http://x',
        '1:30: `submission-address`: `/` cannot be part of it: letters, digits and .:[]_%- make it',
      ],
    ],
  },
} satisfies Record<string, Row>;
