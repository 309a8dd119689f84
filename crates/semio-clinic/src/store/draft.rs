//! Tables as the steps of the migration write them down.

use sea_orm::{DatabaseBackend, DbErr};
use sea_orm_migration::{SchemaManager, prelude::*};

/// A table under way. Names of columns are the entities' own.
pub(super) struct Draft {
    pub(super) table: TableCreateStatement,
    indices: Vec<IndexCreateStatement>,
    name: &'static str,
    backend: DatabaseBackend,
}

impl Draft {
    pub(super) fn new(manager: &SchemaManager<'_>, name: &'static str) -> Self {
        let mut table = Table::create();
        table.table(name);
        let backend = manager.get_database_backend();
        if backend == DatabaseBackend::MySql {
            table.engine("InnoDB").character_set("utf8mb4").collate("utf8mb4_bin");
        }
        Self { table, indices: vec![], name, backend }
    }

    pub(super) fn column(mut self, mut column: ColumnDef, optional: bool) -> Self {
        if optional {
            column.null();
        } else {
            column.not_null();
        }
        self.table.col(column);
        self
    }

    pub(super) fn id(mut self) -> Self {
        self.table.col(ColumnDef::new("id").uuid().not_null().primary_key().take());
        self
    }

    pub(super) fn uuid(self, name: &'static str) -> Self {
        self.column(ColumnDef::new(name).uuid().take(), false)
    }

    pub(super) fn uuid_or_none(self, name: &'static str) -> Self {
        self.column(ColumnDef::new(name).uuid().take(), true)
    }

    pub(super) fn text(self, name: &'static str, length: u32) -> Self {
        self.column(ColumnDef::new(name).string_len(length).take(), false)
    }

    pub(super) fn text_or_none(self, name: &'static str, length: u32) -> Self {
        self.column(ColumnDef::new(name).string_len(length).take(), true)
    }

    /// A text in whose order pages are shown: compared by its bytes on every database.
    pub(super) fn key(self, name: &'static str, length: u32) -> Self {
        let mut column = ColumnDef::new(name).string_len(length).take();
        if self.backend == DatabaseBackend::Postgres {
            column.extra("COLLATE \"C\"");
        }
        self.column(column, false)
    }

    pub(super) fn long_text(self, name: &'static str, optional: bool) -> Self {
        self.column(ColumnDef::new(name).text().take(), optional)
    }

    pub(super) fn number(self, name: &'static str) -> Self {
        self.column(ColumnDef::new(name).integer().take(), false)
    }

    pub(super) fn time(self, name: &'static str) -> Self {
        self.column(ColumnDef::new(name).big_integer().take(), false)
    }

    pub(super) fn time_or_none(self, name: &'static str) -> Self {
        self.column(ColumnDef::new(name).big_integer().take(), true)
    }

    pub(super) fn day(self, name: &'static str) -> Self {
        self.column(ColumnDef::new(name).date().take(), false)
    }

    pub(super) fn one_of(mut self, column: &'static str, values: &[&'static str]) -> Self {
        self.table.check(Expr::col(column).is_in(values.iter().copied()));
        self
    }

    pub(super) fn digest(mut self, column: &'static str) -> Self {
        self.table.check(Expr::expr(Func::char_length(Expr::col(column))).eq(64));
        self
    }

    pub(super) fn refers(
        mut self,
        column: &'static str,
        table: &'static str,
        to: &'static str,
        on_delete: ForeignKeyAction,
    ) -> Self {
        self.table.foreign_key(
            ForeignKey::create()
                .name(format!("fk_{}_{column}", self.name))
                .from(self.name, column)
                .to(table, to)
                .on_delete(on_delete),
        );
        self
    }

    pub(super) fn index(mut self, columns: &[&'static str]) -> Self {
        self.indices.push(self.index_of(columns));
        self
    }

    pub(super) fn unique(mut self, columns: &[&'static str]) -> Self {
        let mut index = self.index_of(columns);
        index.unique();
        self.indices.push(index);
        self
    }

    pub(super) fn index_of(&self, columns: &[&'static str]) -> IndexCreateStatement {
        let mut index = Index::create();
        index.name(format!("ix_{}_{}", self.name, columns.join("_"))).table(self.name);
        for column in columns {
            index.col(*column);
        }
        index
    }

    pub(super) async fn make(self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        manager.create_table(self.table).await?;
        for index in self.indices {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
