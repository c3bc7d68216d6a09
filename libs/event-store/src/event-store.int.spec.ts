import { startNats } from '@l3af/testing';
import { connectBus } from './index';
import { describeStore } from './store.contract';

describeStore('JetStream', async () => {
  const nats = await startNats();
  const bus = await connectBus({ servers: nats.url, name: 'contract' });
  const stop = async (): Promise<void> => {
    await bus.close();
    await nats.stop();
  };
  return { store: bus.store, stop };
});
