//! A browser without a window, driven over the pipe of its developer tools (the protocol of Chrome's).

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use std::{fs, thread};

/// No answer within this time is none.
const PATIENCE: Duration = Duration::from_mins(1);

/// The tools read from descriptor 3 and write to descriptor 4, a message up to each zero. Nothing of the
/// browser itself goes anywhere, and root has no sandbox.
const START: &str = "exec chromium --headless --no-sandbox --disable-gpu --no-first-run \
    --disable-background-networking --disable-component-update --disable-extensions \
    --remote-debugging-pipe --user-data-dir=\"$0\" about:blank 3<&0 4>&1 </dev/null >/dev/null 2>&1";

/// A browser, and one page of it.
pub(crate) struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    profile: PathBuf,
    number: u64,
    session: Option<String>,
    /// What happened on the page.
    events: Vec<Value>,
}

impl Browser {
    /// Starts one. `None` where there is none; the project's own checks must have it.
    #[expect(clippy::print_stderr, reason = "who runs the tests should know")]
    pub(crate) fn start(name: &str) -> Option<Self> {
        if Command::new("chromium").arg("--version").output().is_err() {
            assert!(std::env::var_os("CI").is_none(), "chromium is missing");
            eprintln!("skipped: chromium is missing (apt-get install chromium)");
            return None;
        }
        let profile = format!("whoclosed-browser-{name}-{}", std::process::id());
        let profile = std::env::temp_dir().join(profile);
        let mut command = Command::new("sh");
        let command = command.arg("-c").arg(START).arg(&profile);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a browser");
        let to = child.stdin.take().expect("a pipe");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, from) = channel();
        thread::spawn(move || {
            for message in out.split(0) {
                let Ok(message) = message else { return };
                let message = serde_json::from_slice(&message).expect("JSON");
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let (number, session, events) = (0, None, Vec::new());
        let mut browser = Self {
            child,
            to,
            from,
            profile,
            number,
            session,
            events,
        };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let id = &target["targetId"];
        let attach = json!({"targetId": id, "flatten": true});
        let session = browser.call("Target.attachToTarget", &attach);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        Some(browser)
    }

    /// Asks for something, and waits for the answer.
    #[track_caller]
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Value {
        self.number += 1;
        let mut message = json!({"id": self.number, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).expect("written");
        loop {
            let mut answer = self.receive();
            if answer["id"] == self.number {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }

    #[track_caller]
    fn receive(&self) -> Value {
        self.from.recv_timeout(PATIENCE).expect("an answer")
    }

    /// Opens a page, forgetting what happened before.
    #[track_caller]
    pub(crate) fn open(&mut self, page: &Path) {
        self.events.clear();
        let url = self.address(page);
        let answer = self.call("Page.navigate", &json!({"url": url}));
        assert!(answer["errorText"].is_null(), "{answer}");
        let loaded = |event: &Value| event["method"] == "Page.loadEventFired";
        while !self.events.iter().any(loaded) {
            let event = self.receive();
            self.events.push(event);
        }
    }

    /// The address of a page, as browsers write it.
    fn address(&mut self, page: &Path) -> String {
        let path = page.to_str().expect("text");
        let script = format!(
            "'file://' + {}.split('/').map(encodeURIComponent).join('/')",
            json!(path)
        );
        let url = self.run(&script);
        url.as_str().expect("text").to_owned()
    }

    /// The value of an expression on the page.
    #[track_caller]
    pub(crate) fn run(&mut self, script: &str) -> Value {
        let params = json!({"expression": script, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.call("Runtime.evaluate", &params);
        assert!(answer["exceptionDetails"].is_null(), "{script}: {answer}");
        answer["result"]["value"].take()
    }

    /// Everything that a page should not do: errors and warnings of any kind, and requests.
    pub(crate) fn complaints(&mut self) -> Vec<Value> {
        // What is under way comes before the answer.
        self.run("new Promise(done => setTimeout(done, 50))");
        let events = std::mem::take(&mut self.events);
        let mut own = 0;
        let bad = events.into_iter().filter(|event| {
            match event["method"].as_str().unwrap_or_default() {
                "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded" => true,
                "Network.requestWillBeSent" => {
                    // The page itself is the first.
                    own += u64::from(event["params"]["type"] == "Document");
                    event["params"]["type"] != "Document" || own > 1
                }
                _ => false,
            }
        });
        bad.collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have gone by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Its own processes end a little later, and write until then.
        for _ in 0..50 {
            if fs::remove_dir_all(&self.profile).is_ok() || !self.profile.exists() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}
