//! Synthetic patients for trying the app out: nobody of them exists.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use chrono::Days;
use uuid::Uuid;

use crate::{
    account::FormError,
    clock,
    models::pipeline_hash,
    opened::Opened,
    record::{Asked, NewImage, PatientForm, StudyFacts},
    server::ServeError,
    store::{
        StoreError,
        entity::{person::Model as Person, prediction::State, review::Verdict},
    },
    web::App,
};

/// Pictures of one job.
#[derive(Clone, Debug)]
pub struct DemoJob {
    /// The job's name, as its models' folder.
    pub job: String,
    /// Modality that studies are filed with.
    pub modality: String,
    /// Files of synthetic pictures, with their true classes.
    pub pictures: Vec<(PathBuf, String)>,
}

/// Family name, given name, sex, year, month and day of birth.
const PEOPLE: [(&str, &str, &str, &str); 12] = [
    ("Lefèvre", "Jeanne", "female", "1958-03-12"),
    ("Moreau", "Émile", "male", "1971-11-02"),
    ("Nguyen", "Linh", "female", "1990-06-25"),
    ("O’Brien", "Siobhán", "female", "1964-01-30"),
    ("Diallo", "Mamadou", "male", "1983-09-17"),
    ("García Núñez", "Lucía", "female", "1977-04-08"),
    ("Bernard", "Paul", "male", "1949-12-21"),
    ("Schröder", "Anke", "female", "1995-02-14"),
    ("Benali", "Karim", "male", "1968-07-05"),
    ("Kowalska", "Łucja", "female", "1986-10-11"),
    ("Petit", "Hugo", "male", "2001-05-19"),
    ("Rossi", "Chiara", "female", "1955-08-28"),
];

impl App {
    /// Files synthetic patients with studies for a physician, waits until they are read, and reviews some of the older.
    /// What is there already stays: a filling that was cut off is gone on with. Gives how many studies were filed now.
    ///
    /// # Errors
    /// [`ServeError`] where records or pictures cannot be kept, or a picture cannot be read.
    ///
    /// # Panics
    /// Where the runtime ends meanwhile.
    pub async fn fill_demo(&self, physician: Uuid, jobs: &[DemoJob]) -> Result<usize, ServeError> {
        let person = self.store.person(physician).await?;
        let mut left: Vec<_> = jobs.iter().map(|job| job.pictures.iter()).collect();
        let mut filed = 0;
        for (number, (family, given, sex, birth)) in PEOPLE.into_iter().enumerate() {
            let form = PatientForm {
                family_name: family.into(),
                given_name: given.into(),
                sex: sex.into(),
                birth_date: birth.into(),
                identifier: format!("DEMO-{:03}", number + 1),
                note: "Synthetic: this person does not exist.".into(),
                ..PatientForm::default()
            };
            // What was filled in before the program was killed is there: it goes on behind it.
            let there = self.store.patient_of_number(&person, &form.identifier).await?;
            let filled = match &there {
                Some(patient) => self.store.studies(patient).await?.len(),
                None => 0,
            };
            let patient = match there {
                Some(patient) => patient,
                None => self.store.add_patient(&person, &form).await.map_err(|error| match error {
                    FormError::Store(error) => error,
                    FormError::Fields(_) => StoreError::Taken,
                })?,
            };
            let which = number % jobs.len().max(1);
            let Some(job) = jobs.get(which) else { break };
            let Some(model) = self.store.active_model(&job.job).await? else { continue };
            let pipeline = {
                let (models, model) = (self.models.clone(), model.clone());
                let opened = tokio::task::spawn_blocking(move || models.open(&model)).await;
                let predictor = opened.expect("opening does not panic").map_err(|_| StoreError::Missing)?;
                pipeline_hash(predictor.manifest())
            };
            let studies = 1 + number % 4;
            for study in 0..studies {
                let Some((file, _)) = left[which].next() else { break };
                if study < filled {
                    continue;
                }
                let bytes: Bytes = tokio::fs::read(file).await.map_err(crate::pictures::PictureError::Folder)?.into();
                let opened = Opened::new(&bytes).map_err(|_| StoreError::Missing)?;
                let ago = Days::new(((studies - study) * 97 + number * 5) as u64);
                let facts = StudyFacts {
                    modality: Some(job.modality.clone()),
                    taken_on: clock::today().checked_sub_days(ago).unwrap_or_default(),
                    ..StudyFacts::default()
                };
                let turn = self.pictures.filing().await;
                let new = NewImage {
                    sha256: self.pictures.put(bytes, &turn).await?,
                    size: opened.size,
                    media_type: opened.media_type,
                    instance_uid: None,
                    frames: opened.frames,
                    width: opened.width,
                    height: opened.height,
                    view: None,
                    differs: vec![],
                };
                self.store.file_image(&person, &patient, facts, new, Some((&model, &pipeline))).await?;
                self.readers.wake();
                filed += 1;
            }
        }
        self.wait_for_readers().await?;
        self.review_some(&person).await?;
        Ok(filed)
    }

    async fn wait_for_readers(&self) -> Result<(), StoreError> {
        while self.store.counts().await?.queued > 0 || self.readers.busy() > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Approves some answers, so that the work list shows both.
    async fn review_some(&self, person: &Person) -> Result<(), StoreError> {
        for (number, asked) in self.store.latest(person, 100).await?.into_iter().enumerate() {
            let Asked { prediction, own_word, .. } = asked;
            let answered = prediction.state == State::Done && prediction.outcome.as_deref() == Some("answered");
            if answered && !own_word && number % 3 != 0 {
                self.store.review(person, prediction.id, Verdict::Approved, None, "").await?;
            }
        }
        Ok(())
    }
}
