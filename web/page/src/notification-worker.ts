/** Service worker that shows notifications, and leads from them to the tab that asked for them. It has no other purpose. */

export interface NotificationRequest {
  readonly title: string;
  readonly body: string;
  /** A later one of the same tag replaces it. */
  readonly tag: string;
  /** The message that it is about. */
  readonly sequence: number;
}

// TypeScript has the types of service workers only instead of those of pages.
interface Tab {
  readonly id: string;
  focus(): Promise<unknown>;
  postMessage(sequence: number): void;
}
interface WorkerEvent extends Event {
  waitUntil(task: Promise<unknown>): void;
}
interface RequestEvent extends WorkerEvent {
  readonly data: NotificationRequest;
  readonly source: Tab;
}
interface ClickEvent extends WorkerEvent {
  readonly notification: Notification;
}
declare const clients: { get(id: string): Promise<Tab | undefined> };
declare const registration: ServiceWorkerRegistration;

addEventListener("message", (event) => {
  const request = event as unknown as RequestEvent;
  const { title, body, tag, sequence } = request.data;
  request.waitUntil(registration.showNotification(title, { body, tag, data: [request.source.id, sequence] }));
});

addEventListener("notificationclick", (event) => {
  const click = event as ClickEvent;
  click.notification.close();
  click.waitUntil(show(...(click.notification.data as [string, number])));
});

async function show(tabId: string, sequence: number): Promise<void> {
  const tab = await clients.get(tabId);
  tab?.postMessage(sequence);
  await tab?.focus();
}
