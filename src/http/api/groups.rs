//! User-defined groups of monitors. A group exists while it has a monitor.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::list::{ByName, Cursor, PageQuery, page_of};
use super::problem::Problem;
use super::request::{Admin, Caller, GroupName, InBody, InPath, InQuery, Reader};
use super::routes::{CONFLICT, Created, Json, NoContent, Routes, about};
use super::values::{Id, MonitorIds, MonitorKindWord, Name, StatusWord, Word};
use crate::actions::manage_group::{self, GroupEdit};
use crate::http::HttpState;
use crate::store::monitors::group::{self, Group};
use crate::store::monitors::monitor::Monitor;

pub(super) fn routes(routes: &mut Routes) {
    routes.tag(
        "groups",
        "Groups of monitors. A monitor is in one group at most.",
    );
    routes.get::<Reader, _>(
        "/groups",
        about("list_groups", "List groups").describe("By name."),
        list,
    );
    routes.post::<Admin, _>(
        "/groups",
        about("create_group", "Make a group of monitors")
            .describe("Each monitor leaves the group that it is in.")
            .refuses(super::routes::NOT_FOUND_OR_CONFLICT),
        create,
    );
    routes.get::<Reader, _>("/groups/{name}", about("get_group", "Get a group"), show);
    routes.patch::<Admin, _>(
        "/groups/{name}",
        about("edit_group", "Rename a group, or change its monitors")
            .describe("`monitors` are all that it has from then on. Its silences follow its name.")
            .refuses(CONFLICT),
        edit,
    );
    routes.delete::<Admin, _>(
        "/groups/{name}",
        about("remove_group", "Dissolve a group").describe("Its monitors stay."),
        remove,
    );
}

/// A group.
#[derive(Serialize, ToSchema)]
#[schema(as = Group)]
struct GroupView {
    #[schema(examples("web"))]
    name: String,
    monitors: Vec<MemberView>,
}

/// A monitor of a group.
#[derive(Serialize, ToSchema)]
#[schema(as = GroupMember)]
struct MemberView {
    id: Id,
    kind: MonitorKindWord,
    #[schema(examples("web shop"))]
    name: String,
    status: StatusWord,
}

impl From<Group> for GroupView {
    fn from(group: Group) -> Self {
        let member = |monitor: Monitor| MemberView {
            id: monitor.id.0,
            kind: Word(monitor.kind),
            name: monitor.name,
            status: Word(monitor.status),
        };
        Self {
            name: group.name,
            monitors: group.monitors.into_iter().map(member).collect(),
        }
    }
}

/// A page of groups.
#[derive(Serialize, ToSchema)]
struct GroupList {
    groups: Vec<GroupView>,
    #[schema(required)]
    next_cursor: Option<Cursor>,
}

async fn list(
    reader: Reader,
    State(app): State<HttpState>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<GroupList>, Problem> {
    let groups = group::with_monitors(&app.store.reader, reader.0.guild_id, None).await?;
    // A guild has one group of a name.
    let page = page_of(groups, &query, |group| ByName::new(&group.name, 0));
    Ok(Json(GroupList {
        groups: page.items.into_iter().map(GroupView::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

async fn show(
    reader: Reader,
    State(app): State<HttpState>,
    InPath(GroupName(name)): InPath<GroupName>,
) -> Result<Json<GroupView>, Problem> {
    view(&app, &reader, &name).await.map(Json)
}

async fn view(app: &HttpState, caller: &Caller, name: &str) -> Result<GroupView, Problem> {
    let guild = caller.0.guild_id;
    let mut found = group::with_monitors(&app.store.reader, guild, Some(name)).await?;
    let group = found.pop().ok_or_else(Problem::not_found)?;
    Ok(group.into())
}

/// A group to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "name": "web", "monitors": [17] })))]
struct NewGroup {
    name: Name,
    monitors: MonitorIds,
}

async fn create(
    admin: Admin,
    State(app): State<HttpState>,
    InBody(body): InBody<NewGroup>,
) -> Result<Created<GroupView>, Problem> {
    let (store, requester, now) = (&app.store, admin.requester(), app.clock.now());
    let name = body.name.0;
    manage_group::create(store, requester, name.clone(), body.monitors.0, now).await?;
    view(&app, &admin, &name).await.map(Created)
}

/// A change to a group.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "name": "web servers" })))]
struct EditGroup {
    name: Option<Name>,
    monitors: Option<MonitorIds>,
}

async fn edit(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(GroupName(name)): InPath<GroupName>,
    InBody(body): InBody<EditGroup>,
) -> Result<Json<GroupView>, Problem> {
    let (store, requester, now) = (&app.store, admin.requester(), app.clock.now());
    let edit = GroupEdit {
        name: body.name.map(|name| name.0),
        monitors: body.monitors.map(|monitors| monitors.0),
    };
    let new = edit.name.clone().unwrap_or_else(|| name.clone());
    manage_group::edit(store, requester, name, edit, now).await?;
    view(&app, &admin, &new).await.map(Json)
}

async fn remove(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(GroupName(name)): InPath<GroupName>,
) -> Result<NoContent, Problem> {
    manage_group::remove(&app.store, admin.requester(), name, app.clock.now()).await?;
    Ok(NoContent)
}
