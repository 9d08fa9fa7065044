/** What the fake sells, and what it says that costs. */

type Sku = { readonly name: string; readonly cpus: number; readonly gib: number } & {
  readonly gpus?: number;
  readonly diskMb?: number;
  readonly family?: string;
  readonly closed?: boolean;
  readonly spot?: boolean;
};

const skus: readonly Sku[] = [
  { name: 'tiny', cpus: 1, gib: 0.5, diskMb: 4096 },
  { name: 'small', cpus: 2, gib: 2, diskMb: 16_384 },
  { name: 'medium', cpus: 4, gib: 8, spot: false },
  { name: 'large', cpus: 8, gib: 16, diskMb: 65_536 },
  { name: 'gpu', cpus: 6, gib: 112, gpus: 1, family: 'standardNCFamily', spot: false },
  { name: 'closed', cpus: 2, gib: 4, closed: true },
  { name: 'unpriced', cpus: 2, gib: 4 },
];

/** Rows of `Microsoft.Compute/skus`, among them such as are no machines. */
export const skuRows = (location: string): readonly object[] => [
  { resourceType: 'disks', name: 'Premium_LRS', locations: [location], capabilities: [] },
  ...skus.map(({ name, cpus, gib, gpus, diskMb, family, closed, spot = true }) => ({
    resourceType: 'virtualMachines',
    name,
    family: family ?? 'standardTestFamily',
    locations: [location],
    capabilities: [
      { name: 'vCPUs', value: String(cpus) },
      { name: 'MemoryGB', value: String(gib) },
      { name: 'MaxResourceVolumeMB', value: String(diskMb ?? 0) },
      ...(gpus === undefined ? [] : [{ name: 'GPUs', value: String(gpus) }]),
      { name: 'LowPriorityCapable', value: spot ? 'True' : 'False' },
    ],
    restrictions: closed
      ? [{ type: 'Location', values: [location], reasonCode: 'NotAvailableForSubscription' }]
      : [{ type: 'Zone', values: [location], restrictionInfo: { zones: ['3'] } }],
  })),
];

export const coresOf = (size: string): number | undefined =>
  skus.find(({ name }) => name === size)?.cpus;

export const usageRows = (cores: number): readonly object[] => [
  { unit: 'Count', currentValue: 0, limit: cores, name: { value: 'cores' } },
  { unit: 'Count', currentValue: 0, limit: cores, name: { value: 'lowPriorityCores' } },
  { unit: 'Count', currentValue: 0, limit: 0, name: { value: 'standardNCFamily' } },
  { unit: 'Count', currentValue: 0, limit: cores, name: { value: 'standardTestFamily' } },
];

const item = (location: string, name: string, price: number, changes: object = {}) => ({
  currencyCode: 'USD',
  retailPrice: price,
  unitPrice: price,
  armRegionName: location,
  productName: 'Virtual Machines Test Series',
  skuName: name,
  armSkuName: name,
  serviceName: 'Virtual Machines',
  meterName: name,
  unitOfMeasure: '1 Hour',
  type: 'Consumption',
  ...changes,
});

/** Rows of the price list: of each size also such as a careless reader would take for its price. */
export const priceRows = (location: string): readonly object[] =>
  skus
    .filter(({ name }) => name !== 'unpriced')
    .flatMap(({ name, cpus }) => [
      item(location, name, cpus * 9, { productName: 'Virtual Machines Test Series Windows' }),
      item(location, name, cpus / 100),
      item(location, name, cpus / 400, { skuName: `${name} Spot`, meterName: `${name} Spot` }),
      item(location, name, cpus / 300, { skuName: `${name} Low Priority` }),
      item(location, name, cpus * 50, { type: 'Reservation', reservationTerm: '1 Year' }),
      item(location, name, cpus * 7, { productName: 'Test Series Cloud Services' }),
    ]);
