// Search, without a server and for options. A page that was opened from a folder may start no worker, so a hidden
// frame stands in for one; the search of the theme looks for this name in its parent. Pages that a server sends have
// real workers.
if (location.protocol === "file:") {
  window.IFrameWorker = window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const { contentWindow: inside, contentDocument: page } = this.frame;
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      this.ready = new Promise((resolve, reject) => {
        const script = page.createElement("script");
        Object.assign(script, { src: address, onload: resolve, onerror: reject });
        page.body.append(script);
      });
    }

    postMessage(data) {
      this.ready.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {
      this.frame.remove();
    }
  };
}

// The search takes a dash before a word for "without", so an option such as --from-scratch is asked for by its words.
const { postMessage: sent } = Worker.prototype;
Worker.prototype.postMessage = function (message) {
  const { data } = message;
  sent.call(this, typeof data === "string" ? { ...message, data: data.replaceAll(/(^|\s)-+/g, "$1") } : message);
};
