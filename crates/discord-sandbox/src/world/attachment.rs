//! The files of messages, and what a request says about them: which are new, which of those that are there stay, and their
//! descriptions for people who do not see them.

use serde_json::Value;

/// A file in a request: the part `files[number]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewFile {
    pub number: u64,
    pub name: String,
    pub content: Vec<u8>,
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attachment {
    pub id: u64,
    pub name: String,
    pub description: Option<String>,
    pub content: Vec<u8>,
}

/// The files of a message. An id is not used again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attachments {
    pub files: Vec<Attachment>,
    added: u64,
}

/// The id in an entry of the list `attachments`, which is a number or its digits.
pub(crate) fn id_of(entry: &Value) -> Option<u64> {
    let id = &entry["id"];
    id.as_u64().or_else(|| id.as_str()?.parse().ok())
}

impl Attachments {
    /// Applies a request to the message with this id. Without the list `attachments`, every file stays; with it, those that it names.
    pub(crate) fn apply(&mut self, message: u64, body: &Value, files: Vec<NewFile>) {
        let listed = body["attachments"].as_array();
        let entry = |id: u64| listed?.iter().find(|entry| id_of(entry) == Some(id));
        if listed.is_some() {
            self.files.retain(|file| entry(file.id).is_some());
        }
        for file in &mut self.files {
            if let Some(description) = entry(file.id).and_then(|one| one["description"].as_str()) {
                file.description = Some(description.to_owned());
            }
        }
        for file in files {
            let text = |name: &str| entry(file.number)?[name].as_str().map(str::to_owned);
            self.added += 1;
            self.files.push(Attachment {
                id: message + self.added,
                name: text("filename").unwrap_or(file.name),
                description: text("description"),
                content: file.content,
            });
        }
    }

    pub(crate) fn find(&self, id: u64) -> Option<&Attachment> {
        self.files.iter().find(|file| file.id == id)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file(number: u64, name: &str) -> NewFile {
        NewFile {
            number,
            name: name.to_owned(),
            content: vec![1],
        }
    }

    fn names(all: &Attachments) -> Vec<&str> {
        all.files.iter().map(|file| &*file.name).collect()
    }

    #[test]
    fn files_have_the_names_and_descriptions_of_the_list() {
        let mut all = Attachments::default();
        let body = json!({ "attachments": [{ "id": 0, "filename": "b.png", "description": "A line." }, { "id": "1" }] });
        all.apply(100, &body, vec![file(0, "a.png"), file(1, "c.txt")]);
        assert_eq!(names(&all), ["b.png", "c.txt"]);
        assert_eq!(all.files[0].description.as_deref(), Some("A line."));
        assert_eq!(all.files[1].description, None);
        assert_eq!((all.files[0].id, all.files[1].id), (101, 102));
    }

    #[test]
    fn an_edit_keeps_what_it_lists_and_everything_without_a_list() {
        let mut all = Attachments::default();
        all.apply(100, &json!({}), vec![file(0, "a"), file(1, "b")]);
        all.apply(100, &json!({ "content": "x" }), Vec::new());
        assert_eq!(names(&all), ["a", "b"]);
        let kept = json!({ "attachments": [{ "id": "102", "description": "kept" }, { "id": 0 }] });
        all.apply(100, &kept, vec![file(0, "c")]);
        assert_eq!(names(&all), ["b", "c"]);
        assert_eq!(all.files[0].description.as_deref(), Some("kept"));
        assert_eq!(all.files[1].id, 103, "no id is used twice");
        all.apply(
            100,
            &json!({ "attachments": [{ "id": 0 }] }),
            vec![file(0, "c")],
        );
        assert_eq!(names(&all), ["c"]);
        all.apply(100, &json!({ "attachments": [] }), Vec::new());
        assert_eq!(names(&all), Vec::<&str>::new());
    }
}
