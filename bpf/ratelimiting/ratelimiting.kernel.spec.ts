import { packetTestsOf } from '../testing/packet-tests';

packetTestsOf('ratelimiting');
