//! Stops single threads of a process, as a debugger does. The others run on.

use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// Threads that stand still until this is dropped, by the thread that created it.
pub struct FrozenThreads(Vec<Pid>);

impl FrozenThreads {
    /// Stops all threads of a process whose name begins with `name`.
    pub fn freeze(process: u32, name: &str) -> Self {
        let folder = format!("/proc/{process}/task");
        let threads = std::fs::read_dir(folder).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let comm = std::fs::read_to_string(path.join("comm")).unwrap();
            let id = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
            (comm, Pid::from_raw(id))
        });
        let named: Vec<Pid> = threads
            .filter(|(comm, _)| comm.starts_with(name))
            .map(|(_, id)| id)
            .collect();
        assert!(!named.is_empty(), "no thread is called {name}");
        for id in &named {
            ptrace::attach(*id).unwrap();
            waitpid(*id, Some(WaitPidFlag::__WALL)).unwrap();
        }
        Self(named)
    }

    pub fn thaw(self) {
        drop(self);
    }
}

impl Drop for FrozenThreads {
    /// Also if the scenario has failed: a process whose threads stand still cannot be killed.
    fn drop(&mut self) {
        for id in &self.0 {
            // The thread may have ended.
            let _ = ptrace::detach(*id, None);
        }
    }
}
