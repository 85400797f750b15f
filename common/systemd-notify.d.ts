declare module "systemd-notify" {
  export default function notify(state: { ready?: boolean; status?: string; pid?: number }): Promise<void>;
}
