/**
 * An outlet is the way from the journal to the control plane: a Redis stream, or this process itself. It takes
 * parcels of records and says which of them the control plane has committed.
 */

export type Parcel = {
  /** Its number in this process, from 1; 0 when nobody waits to hear that it was committed. */
  readonly number: number
  /** Records as JSON texts. */
  readonly texts: readonly string[]
}

export type Outlet = {
  /** Hands a parcel over; gives what `holds` asks for. @throws Error when it was perhaps not taken */
  send(parcel: Parcel): Promise<string>
  /** Whether a parcel is still on its way. If it is not, it was committed or it was lost. */
  holds(receipt: string): Promise<boolean>
  /** Numbers of parcels whose records are committed; each is told once. */
  committed(): Promise<readonly number[]>
}
