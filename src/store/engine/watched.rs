//! Connections whose errors are examined, so that no statement of any table can meet a damaged page unnoticed.

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryFutureExt as _, TryStreamExt as _};
use sqlx::sqlite::{
    SqliteConnection, SqliteQueryResult, SqliteRow, SqliteStatement, SqliteTypeInfo,
};
use sqlx::{Describe, Either, Error, Execute, Executor, SqlStr, Sqlite, SqlitePool};

use super::damage::Damage;

/// The write connection.
#[derive(Debug)]
pub(in crate::store) struct WatchedConnection {
    pub connection: SqliteConnection,
    pub damage: Damage,
}

/// The read connections.
#[derive(Clone, Debug)]
pub(in crate::store) struct WatchedPool {
    pub pool: SqlitePool,
    pub damage: Damage,
}

impl<'c> Executor<'c> for &'c mut WatchedConnection {
    type Database = Sqlite;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<SqliteQueryResult, SqliteRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        let damage = &self.damage;
        let fetched = self.connection.fetch_many(query);
        fetched.inspect_err(|error| damage.examine(error)).boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<SqliteRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        let damage = &self.damage;
        let fetched = self.connection.fetch_optional(query);
        Box::pin(fetched.inspect_err(|error| damage.examine(error)))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [SqliteTypeInfo],
    ) -> BoxFuture<'e, Result<SqliteStatement, Error>>
    where
        'c: 'e,
    {
        let damage = &self.damage;
        let prepared = self.connection.prepare_with(sql, parameters);
        Box::pin(prepared.inspect_err(|error| damage.examine(error)))
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Sqlite>, Error>>
    where
        'c: 'e,
    {
        self.connection.describe(sql)
    }
}

impl<'c> Executor<'c> for &'c WatchedPool {
    type Database = Sqlite;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<SqliteQueryResult, SqliteRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        let fetched = self.pool.fetch_many(query);
        fetched
            .inspect_err(|error| self.damage.examine(error))
            .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<SqliteRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        let fetched = self.pool.fetch_optional(query);
        Box::pin(fetched.inspect_err(|error| self.damage.examine(error)))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [SqliteTypeInfo],
    ) -> BoxFuture<'e, Result<SqliteStatement, Error>>
    where
        'c: 'e,
    {
        let prepared = self.pool.prepare_with(sql, parameters);
        Box::pin(prepared.inspect_err(|error| self.damage.examine(error)))
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Sqlite>, Error>>
    where
        'c: 'e,
    {
        self.pool.describe(sql)
    }
}
