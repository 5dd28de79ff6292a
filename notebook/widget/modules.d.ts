/** The worker of kith-web as one script; the build puts it here. */
declare module "worker-script" {
  const text: string;
  export default text;
}

declare const VERSION: string;
