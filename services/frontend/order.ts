/** One order: who wants to be picked up, and who asks. */
export interface Order {
  customerId: number;
  /** The browser or virtual user. */
  clientId: string;
  requestId: string;
}
