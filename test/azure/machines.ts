/** A virtual machine as its order tells of it. */
export type Order = {
  readonly group: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly size: string;
  readonly user: string;
  readonly publicKey: string;
  /** Cloud-init's, as text. */
  readonly customData: string;
  readonly privateAddress: string;
  /** '' for none. */
  readonly publicAddress: string;
  readonly isSpot: boolean;
};

/** What boots the machines of a fake Azure, and ends them. Both may be slow, and may fail. */
export type Hardware = {
  boot(order: Order): Promise<void>;
  kill(order: Order): Promise<void>;
};

/** Machines that are nothing but names. */
export const noHardware: Hardware = { boot: async () => {}, kill: async () => {} };
