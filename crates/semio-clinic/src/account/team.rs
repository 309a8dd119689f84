//! Teams, whose members share records.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

use super::lines;
use crate::{
    audit::Entry,
    clock,
    store::{Store, StoreError, entity::circle},
};

impl Store {
    /// Puts a person into the team of that name, which is made where there is none; an empty name takes the person out.
    pub(crate) async fn set_team(&self, id: Uuid, team: &str, by: Uuid) -> Result<(), StoreError> {
        let person = self.person(id).await?;
        let team: String = lines(team).chars().take(200).collect();
        let known = match team.as_str() {
            "" => None,
            name => circle::Entity::find().filter(circle::Column::Name.eq(name)).one(self.db()).await?.map(|c| c.id),
        };
        let mut change = self.change().await?;
        let team_id = match (team.is_empty(), known) {
            (true, _) => None,
            (false, Some(id)) => Some(id),
            (false, None) => {
                let new =
                    circle::ActiveModel { id: Set(Uuid::now_v7()), name: Set(team), created_at: Set(clock::now()) };
                Some(new.insert(change.tx()).await?.id)
            }
        };
        let mut row = person.into_active_model();
        row.team_id = Set(team_id);
        row.update(change.tx()).await?;
        change.note(Entry::by(by, "person.team").of(id));
        change.commit().await
    }

    /// A team's name.
    pub(crate) async fn team_name(&self, id: Option<Uuid>) -> Result<Option<String>, StoreError> {
        let Some(id) = id else { return Ok(None) };
        Ok(circle::Entity::find_by_id(id).one(self.db()).await?.map(|circle| circle.name))
    }
}
